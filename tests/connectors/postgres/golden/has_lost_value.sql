SELECT EXISTS (
SELECT
FROM "public"."users"
WHERE "a_string" IS NULL AND EXISTS (
SELECT
FROM pg_catalog.jsonb_array_elements(CASE WHEN pg_catalog.jsonb_typeof("_airbyte_meta" -> 'changes') = 'array' THEN "_airbyte_meta" -> 'changes' ELSE '[]'::jsonb END) AS change
WHERE change ->> 'field' IN (%(field)s, %(column)s)));
