DELETE FROM "airbyte_internal"."_airbyte_ledger"
WHERE owner = %(owner)s AND epoch = 0;
