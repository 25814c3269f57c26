DELETE FROM "airbyte_internal"."_airbyte_streams"
WHERE owner = %(owner)s AND epoch = 0;
