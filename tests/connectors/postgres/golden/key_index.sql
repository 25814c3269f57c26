CREATE INDEX "users_primary_key_0c32c78f0b7c" ON "public"."users" ("id", "part");
DROP INDEX IF EXISTS "public"."users_primary_key_0c32c78f0b7c";
