CREATE INDEX "users_primary_key_0c32c78f0b7c" ON "public"."users" USING hash ("part");
