ALTER TABLE "public"."users_airbyte_tmp_c0ffee" ALTER COLUMN "_airbyte_meta" SET DEFAULT '{"sync_id":1,"changes":["it''s"]}';
