ALTER TABLE "sales""2025.Robert'); DROP TABLE students;--" ADD COLUMN "_airbyte_changing" DATE;
UPDATE "sales""2025.Robert'); DROP TABLE students;--" AS t SET "_airbyte_changing" = "dataflow_convert"("t"."a""b", :original, :new), "_airbyte_meta" = "dataflow_note"("t"."_airbyte_meta", :column, "t"."a""b", :original, :new);
ALTER TABLE "sales""2025.Robert'); DROP TABLE students;--" DROP COLUMN "a""b";
ALTER TABLE "sales""2025.Robert'); DROP TABLE students;--" RENAME COLUMN "_airbyte_changing" TO "a""b";
