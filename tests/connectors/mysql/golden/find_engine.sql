SELECT engine FROM information_schema.tables WHERE table_schema = %(namespace)s AND table_name = %(name)s;
