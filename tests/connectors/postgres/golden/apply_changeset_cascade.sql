ALTER TABLE "public"."users" ADD COLUMN "added" jsonb,
DROP COLUMN "dropped" CASCADE,
ALTER COLUMN "wider" DROP NOT NULL,
ALTER COLUMN "wider" TYPE bigint,
ALTER COLUMN "other" TYPE character varying USING ("other" #>> '{}'),
ALTER COLUMN "strict" SET NOT NULL;
