ALTER TABLE "lake"."main"."students_airbyte_tmp" RENAME TO "Robert'); DROP TABLE students;--";
