SELECT 1 FROM "lake"."sales""2025"."Robert'); DROP TABLE students;--" WHERE "_airbyte_raw_id" <= CAST($last AS UUID) LIMIT 1;
