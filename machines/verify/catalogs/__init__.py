"""The search over catalogs: what becomes of names that two streams or two fields would share. Touches no database.

`search` walks, `steps` says what may happen next, `names` asks the real decisions, `transactions` do to the abstract
`database` what the real operations do, `scenarios` say which catalogs may come, `laws` judge. What a stream does next
is asked of the real lifecycle, as the search of one stream's life does. Raw ids, checkpoints and late transactions are
that search's matter: here each run brings one record of each stream, with a STATE after it.
"""
