ALTER TABLE "lake"."sales""2025"."students_airbyte_tmp" RENAME TO "Robert'); DROP TABLE students;--";
