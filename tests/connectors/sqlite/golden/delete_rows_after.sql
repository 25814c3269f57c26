DELETE FROM "sales""2025.Robert'); DROP TABLE students;--" AS t WHERE t."_airbyte_raw_id" > :after;
