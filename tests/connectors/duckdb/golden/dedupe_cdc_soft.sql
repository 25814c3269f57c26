DELETE FROM "lake"."sales""2025"."students_airbyte_tmp" WHERE rowid IN (
  SELECT s.rowid FROM "lake"."sales""2025"."students_airbyte_tmp" s
  QUALIFY row_number() OVER (PARTITION BY "s"."id" ORDER BY "s"."lsn" DESC NULLS LAST, "s"."_ab_cdc_log_pos" DESC NULLS LAST, "s"."_airbyte_extracted_at" DESC NULLS LAST, "s"."_airbyte_raw_id" DESC NULLS LAST) > 1
);
