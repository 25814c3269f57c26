DELETE FROM "internal"."_airbyte_shards" WHERE "final_namespace" = %(final_namespace)s AND "final_name" = %(final_name)s;
INSERT INTO "internal"."_airbyte_shards" ("final_namespace", "final_name", "number", "load", "spec", "millisecond", "rows") VALUES (%(final_namespace)s, %(final_name)s, %(number)s, %(load)s, %(spec)s, %(millisecond)s, %(rows)s);
