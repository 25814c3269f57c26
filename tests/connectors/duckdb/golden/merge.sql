DELETE FROM "lake"."sales""2025"."Robert'); DROP TABLE students;--" WHERE rowid IN (
  SELECT r FROM (
    SELECT t.rowid, "t"."id", "t"."_airbyte_extracted_at", "t"."_airbyte_raw_id" FROM "lake"."sales""2025"."Robert'); DROP TABLE students;--" t SEMI JOIN "lake"."sales""2025"."students_airbyte_tmp" s ON "s"."id" IS NOT DISTINCT FROM "t"."id"
    UNION ALL
    SELECT NULL, "s"."id", "s"."_airbyte_extracted_at", "s"."_airbyte_raw_id" FROM "lake"."sales""2025"."students_airbyte_tmp" s
  ) AS ranked (r, "k0", "o0", "o1")
  QUALIFY r IS NOT NULL
  AND first_value(r) OVER (PARTITION BY "k0" ORDER BY "o0" DESC NULLS LAST, "o1" DESC NULLS LAST, r NULLS LAST) IS NULL
);
INSERT INTO "lake"."sales""2025"."Robert'); DROP TABLE students;--" ("_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id", "id", "select", "a""b", "$name {} %s", "updated_at")
SELECT "s"."_airbyte_raw_id", "s"."_airbyte_extracted_at", "s"."_airbyte_meta", "s"."_airbyte_generation_id", "s"."id", "s"."select", "s"."a""b", "s"."$name {} %s", "s"."updated_at" FROM "lake"."sales""2025"."students_airbyte_tmp" s WHERE s.rowid IN (
  SELECT s.rowid FROM "lake"."sales""2025"."students_airbyte_tmp" s ANTI JOIN "lake"."sales""2025"."Robert'); DROP TABLE students;--" t ON "s"."id" IS NOT DISTINCT FROM "t"."id"
  QUALIFY row_number() OVER (PARTITION BY "s"."id" ORDER BY "s"."_airbyte_extracted_at" DESC NULLS LAST, "s"."_airbyte_raw_id" DESC NULLS LAST) = 1
);
