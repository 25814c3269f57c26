DELETE FROM "public"."users_airbyte_tmp_c0ffee"
WHERE ctid IN (
SELECT ranked.row
FROM (
SELECT "source".ctid, pg_catalog.row_number() OVER (PARTITION BY "source"."id" ORDER BY "source"."_ab_cdc_lsn" DESC NULLS LAST, "source"."_airbyte_extracted_at" DESC, "source"."_airbyte_raw_id" DESC)
FROM "public"."users_airbyte_tmp_c0ffee" AS "source") AS ranked ("row", "rank")
WHERE ranked.rank > 1);
DELETE FROM "public"."users_airbyte_tmp_c0ffee"
WHERE coalesce("_ab_cdc_deleted_at", '') <> '';
