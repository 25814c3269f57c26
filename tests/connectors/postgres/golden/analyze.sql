ANALYZE "public"."users_airbyte_tmp_c0ffee" ("id", "updated_at");
