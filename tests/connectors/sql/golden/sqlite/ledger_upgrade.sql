SELECT max("format") FROM "internal"."_airbyte_ledger";
SELECT "format" FROM "internal"."_airbyte_ledger";
SELECT max("format") FROM "internal"."_airbyte_ledger";
ALTER TABLE "internal"."_airbyte_streams" RENAME COLUMN "checkpoint" TO "checkpoint_raw_id";
ALTER TABLE "internal"."_airbyte_streams" ADD COLUMN "publishing" varchar;
CREATE TABLE IF NOT EXISTS "internal"."_airbyte_flushes" ("final_namespace" varchar NOT NULL, "final_name" varchar NOT NULL, "epoch" bigint NOT NULL, "number" bigint NOT NULL, "rows" bigint NOT NULL, "checkpoint_raw_id" varchar, "highest_raw_id" varchar, PRIMARY KEY ("final_namespace", "final_name", "epoch", "number"));
UPDATE "internal"."_airbyte_ledger" SET "format" = :format;
