DELETE FROM "internal"."_airbyte_shards" WHERE "final_namespace" = $final_namespace AND "final_name" = $final_name;
INSERT INTO "internal"."_airbyte_shards" ("final_namespace", "final_name", "number", "load", "spec", "millisecond", "rows") VALUES ($final_namespace, $final_name, $number, $load, $spec, $millisecond, $rows);
