SELECT count(*)
FROM "public"."users";
