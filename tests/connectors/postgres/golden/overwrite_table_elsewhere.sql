DROP TABLE IF EXISTS "public"."users" CASCADE;
ALTER TABLE "elsewhere"."users_airbyte_tmp_c0ffee" SET SCHEMA "public";
ALTER TABLE "public"."users_airbyte_tmp_c0ffee" RENAME TO "users";
ALTER INDEX IF EXISTS "public"."users_airbyte_tmp_c0ffee_primary_key_2778bcaf5e01" RENAME TO "users_primary_key_0c32c78f0b7c";
