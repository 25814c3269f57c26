DELETE FROM "students_airbyte_tmp" WHERE "students_airbyte_tmp"."rowid" IN (
  SELECT r FROM (
    SELECT "s"."rowid" AS r, row_number() OVER (PARTITION BY "s"."id", "s"."a""b" ORDER BY "s"."a""b" COLLATE "dataflow_numbers" DESC NULLS LAST, "s"."_airbyte_extracted_at" DESC NULLS LAST, "s"."_airbyte_raw_id" DESC NULLS LAST) AS place
    FROM "students_airbyte_tmp" AS s
  ) AS ranked
  WHERE place > 1
);
