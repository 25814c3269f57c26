SELECT NOT EXISTS (
SELECT
FROM "public"."users");
