SELECT 1
FROM "public"."users" LIMIT 1;
