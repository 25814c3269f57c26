SELECT 1
FROM "public"."users_airbyte_tmp_c0ffee"
WHERE "_airbyte_raw_id" <= %(last)s::uuid LIMIT 1;
