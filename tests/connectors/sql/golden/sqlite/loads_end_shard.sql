UPDATE "internal"."_airbyte_shards" SET "rows" = :rows WHERE "final_namespace" = :final_namespace AND "final_name" = :final_name AND "load" = :load AND "number" = :number;
