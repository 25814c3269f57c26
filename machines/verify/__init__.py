"""The search: every history of a stream that a few crashes can make, against the five laws. Touches no database.

`search` walks, `steps` says what may happen next, `decisions` asks the real lifecycle, `transactions` do to the
abstract `database` what the real operations do, `platform` starts runs as `scenarios` want them, `laws` judge.
`catalogs` is a search beside it, of many streams: which names they and their fields have when the catalog changes.
"""
