ALTER TABLE "internal"."_airbyte_ledger" RENAME TO "_airbyte_streams";
ALTER TABLE "internal"."_airbyte_streams" RENAME COLUMN "checkpoint" TO "checkpoint_raw_id";
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "stream_namespace" varchar;
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "stream_name" varchar;
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "columns" varchar;
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "publishing" varchar;
CREATE TABLE IF NOT EXISTS "internal"."_airbyte_flushes" ("final_namespace" varchar NOT NULL, "final_name" varchar NOT NULL, "epoch" bigint NOT NULL, "number" bigint NOT NULL, "rows" bigint NOT NULL, "checkpoint_raw_id" varchar, "highest_raw_id" varchar, PRIMARY KEY ("final_namespace", "final_name", "epoch", "number"));
CREATE TABLE IF NOT EXISTS "internal"."_airbyte_ledger" ("format" bigint NOT NULL, "notice" varchar NOT NULL);
INSERT INTO "internal"."_airbyte_ledger" ("format", "notice") VALUES (%(format)s, %(notice)s);
