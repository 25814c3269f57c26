DELETE FROM "lake"."sales""2025"."Robert'); DROP TABLE students;--";
