SELECT 1 FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = %(namespace)s AND table_name = %(name)s;
