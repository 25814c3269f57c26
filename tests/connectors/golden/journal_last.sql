SELECT coalesce(max("number"), 0) FROM "lake"."internal"."_airbyte_journal" WHERE "at" >= CAST(%(since)s AS timestamp with time zone) AND "run" = %(run)s;
