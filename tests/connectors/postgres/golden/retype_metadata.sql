ALTER TABLE "public"."users" ALTER COLUMN "_airbyte_raw_id" TYPE uuid USING "_airbyte_raw_id"::text::uuid,
ALTER COLUMN "_airbyte_meta" TYPE jsonb USING "_airbyte_meta"::text::jsonb;
