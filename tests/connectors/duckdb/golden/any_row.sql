SELECT 1 FROM "lake"."sales""2025"."Robert'); DROP TABLE students;--" LIMIT 1;
