ALTER TABLE "sales""2025.Robert'); DROP TABLE students;--" ADD COLUMN "a""b" JSON TEXT;
