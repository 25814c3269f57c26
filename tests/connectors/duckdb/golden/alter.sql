ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" RENAME COLUMN "RENAMED" TO "Renamed";
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" RENAME COLUMN "both" TO "Both";
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ADD COLUMN "new" BIGINT;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" DROP COLUMN "old";
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "wider" SET DATA TYPE VARCHAR USING CAST("wider" AS VARCHAR);
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "narrower" DROP NOT NULL;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "narrower" SET DATA TYPE BIGINT USING CASE WHEN TRY_CAST("narrower" AS DECIMAL(38,9)) = TRY_CAST("narrower" AS BIGINT) THEN TRY_CAST("narrower" AS BIGINT) END;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "freed" DROP NOT NULL;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "Both" SET DATA TYPE JSON USING to_json("Both");
