SELECT DISTINCT "source"."id" IS NULL, "source"."part" IS NULL
FROM "public"."users_airbyte_tmp_c0ffee" AS "source"
WHERE "source"."id" IS NULL OR "source"."part" IS NULL;
