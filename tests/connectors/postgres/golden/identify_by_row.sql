ALTER TABLE "public"."users_airbyte_tmp_c0ffee" REPLICA IDENTITY FULL;
