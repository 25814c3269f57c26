SELECT "epoch", "owner", "last_flush" FROM "internal"."_airbyte_streams" WHERE "final_namespace" = :final_namespace AND "final_name" = :final_name;
