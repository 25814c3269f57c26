ALTER TABLE "public"."users" ADD COLUMN "_airbyte_meta" jsonb NOT NULL DEFAULT '{"changes":[]}';
ALTER TABLE "public"."users" ALTER COLUMN "_airbyte_meta" DROP DEFAULT;
ALTER TABLE "public"."users" ADD COLUMN "_airbyte_generation_id" bigint NOT NULL DEFAULT 0;
ALTER TABLE "public"."users" ALTER COLUMN "_airbyte_generation_id" DROP DEFAULT;
