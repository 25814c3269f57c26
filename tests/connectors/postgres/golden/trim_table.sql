DELETE FROM "public"."users_airbyte_tmp_c0ffee"
WHERE "_airbyte_raw_id" > %(after)s::uuid;
DELETE FROM "public"."users_airbyte_tmp_c0ffee";
