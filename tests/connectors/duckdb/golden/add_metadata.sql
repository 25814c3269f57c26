ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ADD COLUMN "_airbyte_generation_id" BIGINT DEFAULT 0;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_generation_id" DROP DEFAULT;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_generation_id" SET NOT NULL;
