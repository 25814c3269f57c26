SELECT "uri", "size", "etag", "load" FROM "internal"."_airbyte_files" WHERE "final_namespace" = %(final_namespace)s AND "final_name" = %(final_name)s AND "name" = %(name)s ORDER BY "uri";
