COPY "public"."users_airbyte_tmp_c0ffee" ("_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id", "id", "part", "updated_at")
FROM STDIN (FORMAT binary);
