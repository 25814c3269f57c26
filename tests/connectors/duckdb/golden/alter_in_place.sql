ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "text" DROP NOT NULL;
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "wider" SET DATA TYPE DECIMAL(38,9);
ALTER TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" ALTER COLUMN "text" SET DATA TYPE VARCHAR;
