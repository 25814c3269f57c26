INSERT INTO "public"."users" ("_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id", "id", "part", "updated_at")
SELECT "s"."_airbyte_raw_id", "s"."_airbyte_extracted_at", "s"."_airbyte_meta", "s"."_airbyte_generation_id", "s"."id", "s"."part", "s"."updated_at"
FROM "public"."users_airbyte_tmp_c0ffee" AS s;
