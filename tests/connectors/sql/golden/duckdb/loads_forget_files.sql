DELETE FROM "internal"."_airbyte_files" WHERE "final_namespace" = $final_namespace AND "final_name" = $final_name;
