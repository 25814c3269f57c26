ALTER TABLE "internal"."_airbyte_ledger" RENAME TO "_airbyte_streams";
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "stream_namespace" varchar;
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "stream_name" varchar;
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "columns" varchar;
CREATE TABLE IF NOT EXISTS "internal"."_airbyte_ledger" ("format" bigint NOT NULL, "notice" varchar NOT NULL);
INSERT INTO "internal"."_airbyte_ledger" ("format", "notice") VALUES (:format, :notice);
