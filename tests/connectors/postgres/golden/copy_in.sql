COPY "public"."users_airbyte_tmp_c0ffee" ("_airbyte_raw_id", "id", "part")
FROM STDIN (FORMAT binary);
