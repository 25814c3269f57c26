DELETE FROM ONLY "public"."users" AS "target" USING (
SELECT DISTINCT ON ("source"."id") "source".ctid, "source"."id", "source"."_ab_cdc_lsn", "source"."_airbyte_extracted_at", "source"."_airbyte_raw_id"
FROM "public"."users_airbyte_tmp_c0ffee" AS "source"
WHERE "source"."id" IS NOT NULL ORDER BY "source"."id", "source"."_ab_cdc_lsn" DESC NULLS LAST, "source"."_airbyte_extracted_at" DESC, "source"."_airbyte_raw_id" DESC) AS "latest"
WHERE "target"."id" = "latest"."id"
AND NOT EXISTS (
SELECT
FROM ONLY "public"."users" AS "newer"
WHERE "newer"."id" = "latest"."id" AND ("newer"."_ab_cdc_lsn" > "latest"."_ab_cdc_lsn" OR "latest"."_ab_cdc_lsn" IS NULL AND "newer"."_ab_cdc_lsn" IS NOT NULL OR "newer"."_ab_cdc_lsn" IS NOT DISTINCT FROM "latest"."_ab_cdc_lsn" AND ("newer"."_airbyte_extracted_at", "newer"."_airbyte_raw_id") > ("latest"."_airbyte_extracted_at", "latest"."_airbyte_raw_id")));
INSERT INTO "public"."users" ("_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id", "id", "part", "updated_at", "_ab_cdc_deleted_at", "_ab_cdc_lsn")
SELECT "source"."_airbyte_raw_id", "source"."_airbyte_extracted_at", "source"."_airbyte_meta", "source"."_airbyte_generation_id", "source"."id", "source"."part", "source"."updated_at", "source"."_ab_cdc_deleted_at", "source"."_ab_cdc_lsn"
FROM "public"."users_airbyte_tmp_c0ffee" AS "source"
JOIN (
SELECT DISTINCT ON ("source"."id") "source".ctid, "source"."id"
FROM "public"."users_airbyte_tmp_c0ffee" AS "source"
WHERE "source"."id" IS NOT NULL ORDER BY "source"."id", "source"."_ab_cdc_lsn" DESC NULLS LAST, "source"."_airbyte_extracted_at" DESC, "source"."_airbyte_raw_id" DESC) AS "latest" ON "latest".ctid = "source".ctid
WHERE coalesce("source"."_ab_cdc_deleted_at", '') = ''
AND NOT EXISTS (
SELECT
FROM ONLY "public"."users" AS "target"
WHERE "target"."id" = "latest"."id");
