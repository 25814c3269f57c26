SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $catalog AND contains(table_name, $mark) ORDER BY ALL;
