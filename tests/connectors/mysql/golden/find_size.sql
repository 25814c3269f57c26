SELECT table_rows, data_length + index_length FROM information_schema.tables WHERE table_schema = %(namespace)s AND table_name = %(name)s;
