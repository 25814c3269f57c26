DELETE FROM "public"."users";
