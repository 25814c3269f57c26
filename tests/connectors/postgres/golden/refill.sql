DELETE FROM ONLY "public"."users";
INSERT INTO "public"."users" ("_airbyte_raw_id", "id")
SELECT "_airbyte_raw_id", "id"
FROM "public"."users_airbyte_tmp_c0ffee";
