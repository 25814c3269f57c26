SELECT column_name FROM information_schema.columns WHERE "table_name" = %(table_name)s AND "table_schema" = %(table_schema)s;
SELECT "final_namespace", "final_name", "epoch", "owner", "temp_namespace", "temp_name", "recipe", "last_flush", "checkpoint", "highest_raw_id", "finalised" FROM "internal"."_airbyte_ledger" ORDER BY "final_namespace", "final_name";
