DROP TABLE IF EXISTS "lake"."sales""2025"."Robert'); DROP TABLE students;--";
