DROP TABLE IF EXISTS "public"."users";
ALTER TABLE "public"."users_airbyte_tmp_c0ffee" RENAME TO "users";
ALTER INDEX IF EXISTS "public"."users_airbyte_tmp_c0ffee_primary_key_9c0939536049" RENAME TO "users_primary_key_0c32c78f0b7c";
