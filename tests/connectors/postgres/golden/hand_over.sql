ALTER TABLE "public"."users_airbyte_tmp_c0ffee" OWNER TO "dba";
REVOKE DELETE ON TABLE "public"."users_airbyte_tmp_c0ffee"
FROM "everyone";
GRANT
SELECT ON TABLE "public"."users_airbyte_tmp_c0ffee" TO "Report Reader" WITH GRANT OPTION;
GRANT UPDATE ("id") ON TABLE "public"."users_airbyte_tmp_c0ffee" TO PUBLIC;
COMMENT ON TABLE "public"."users_airbyte_tmp_c0ffee" IS 'the user''s';
COMMENT ON COLUMN "public"."users_airbyte_tmp_c0ffee"."id" IS '100 % of {them}';
ALTER TABLE "public"."users_airbyte_tmp_c0ffee" ALTER COLUMN "id" SET STATISTICS 500;
ALTER TABLE "public"."users_airbyte_tmp_c0ffee" SET ("fillfactor" = '70', "toast"."autovacuum_enabled" = 'off');
ALTER TABLE "public"."users_airbyte_tmp_c0ffee" REPLICA IDENTITY FULL;
