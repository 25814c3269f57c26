SELECT pg_catalog.set_config('lock_timeout', %(wait)s, false), pg_catalog.pg_advisory_lock_shared(pg_catalog.hashtextextended(%(owner)s::text COLLATE "C", 0));
