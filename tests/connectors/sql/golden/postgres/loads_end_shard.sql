UPDATE "internal"."_airbyte_shards" SET "rows" = %(rows)s WHERE "final_namespace" = %(final_namespace)s AND "final_name" = %(final_name)s AND "load" = %(load)s AND "number" = %(number)s;
