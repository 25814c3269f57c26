SELECT "uri", "size", "etag", "load" FROM "internal"."_airbyte_files" WHERE "final_namespace" = :final_namespace AND "final_name" = :final_name AND "name" = :name ORDER BY "uri";
UPDATE "internal"."_airbyte_files" SET "size" = :size, "etag" = :etag, "load" = :load WHERE "final_namespace" = :final_namespace AND "final_name" = :final_name AND "file" = :file;
INSERT INTO "internal"."_airbyte_files" ("final_namespace", "final_name", "file", "name", "uri", "size", "etag", "load") VALUES (:final_namespace, :final_name, :file, :name, :uri, :size, :etag, :load);
