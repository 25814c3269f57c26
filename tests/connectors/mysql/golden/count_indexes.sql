SELECT count(DISTINCT index_name) FROM information_schema.statistics WHERE table_schema = %(namespace)s AND table_name = %(name)s;
