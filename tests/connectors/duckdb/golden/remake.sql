CREATE OR REPLACE TABLE "lake"."sales""2025"."Robert'); DROP TABLE students;--" AS SELECT * EXCLUDE ("old", "RENAMED", "both") REPLACE (
  CASE WHEN (CAST("wider" AS VARCHAR) IS NOT NULL AND CAST("wider" AS VARCHAR) IS NULL) OR ("narrower" IS NOT NULL AND CASE WHEN TRY_CAST("narrower" AS DECIMAL(38,9)) = TRY_CAST("narrower" AS BIGINT) THEN TRY_CAST("narrower" AS BIGINT) END IS NULL) OR ("Both" IS NOT NULL AND to_json("Both") IS NULL) THEN json_merge_patch("_airbyte_meta", json_object('changes', list_concat(
    json_extract("_airbyte_meta", '$.changes[*]'),
    list_where(CAST($notes AS JSON[]), [(CAST("wider" AS VARCHAR) IS NOT NULL AND CAST("wider" AS VARCHAR) IS NULL), ("narrower" IS NOT NULL AND CASE WHEN TRY_CAST("narrower" AS DECIMAL(38,9)) = TRY_CAST("narrower" AS BIGINT) THEN TRY_CAST("narrower" AS BIGINT) END IS NULL), ("Both" IS NOT NULL AND to_json("Both") IS NULL)])
  ))) ELSE "_airbyte_meta" END AS "_airbyte_meta",
  CAST(CAST("wider" AS VARCHAR) AS VARCHAR) AS "wider",
  CAST(CASE WHEN TRY_CAST("narrower" AS DECIMAL(38,9)) = TRY_CAST("narrower" AS BIGINT) THEN TRY_CAST("narrower" AS BIGINT) END AS BIGINT) AS "narrower"
),
  "RENAMED" AS "Renamed",
  CAST(to_json("Both") AS JSON) AS "Both",
  CAST(NULL AS BIGINT) AS "new" FROM "lake"."sales""2025"."Robert'); DROP TABLE students;--";
