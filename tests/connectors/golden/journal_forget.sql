DELETE FROM "lake"."internal"."_airbyte_journal" WHERE "at" < CAST(%(before)s AS timestamp with time zone);
