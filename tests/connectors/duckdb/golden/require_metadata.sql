ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_raw_id" SET NOT NULL;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_extracted_at" SET NOT NULL;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_meta" SET NOT NULL;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_generation_id" SET NOT NULL;
