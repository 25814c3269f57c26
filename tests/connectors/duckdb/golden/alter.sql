ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" RENAME COLUMN "RENAMED" TO "Renamed";
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" RENAME COLUMN "both" TO "Both";
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ADD COLUMN "new" BIGINT;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" DROP COLUMN "old";
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "narrower" DROP NOT NULL;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "freed" DROP NOT NULL;
