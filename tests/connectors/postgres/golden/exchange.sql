SET CONSTRAINTS ALL DEFERRED;
DELETE FROM ONLY "public"."users" AS "target"
WHERE NOT EXISTS (
SELECT
FROM "public"."users_airbyte_tmp_c0ffee" AS "source"
WHERE "source"."id" = "target"."id" AND "source"."part" = "target"."part");
UPDATE ONLY "public"."users" AS "target" SET ("_airbyte_raw_id", "id", "part") = ROW("source"."_airbyte_raw_id", "source"."id", "source"."part")
FROM (
SELECT DISTINCT ON ("source"."id", "source"."part") *
FROM "public"."users_airbyte_tmp_c0ffee" AS "source" ORDER BY "source"."id", "source"."part") AS "source"
WHERE "source"."id" = "target"."id" AND "source"."part" = "target"."part";
INSERT INTO "public"."users" ("_airbyte_raw_id", "id", "part")
SELECT "source"."_airbyte_raw_id", "source"."id", "source"."part"
FROM "public"."users_airbyte_tmp_c0ffee" AS "source"
WHERE NOT EXISTS (
SELECT
FROM ONLY "public"."users" AS "target"
WHERE "target"."_airbyte_raw_id" = "source"."_airbyte_raw_id");
SET CONSTRAINTS ALL IMMEDIATE;
