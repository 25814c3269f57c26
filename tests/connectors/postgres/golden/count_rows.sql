SELECT pg_catalog.count(*)
FROM "public"."users";
