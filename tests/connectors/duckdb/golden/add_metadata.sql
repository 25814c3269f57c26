ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ADD COLUMN "_airbyte_meta" JSON DEFAULT '{"changes":[]}';
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_meta" DROP DEFAULT;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "_airbyte_meta" SET NOT NULL;
