SELECT column_name FROM information_schema.statistics WHERE index_name = '_airbyte_key' AND table_schema = %(namespace)s AND table_name = %(name)s ORDER BY seq_in_index;
