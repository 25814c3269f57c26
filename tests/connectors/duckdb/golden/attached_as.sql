SELECT database_name FROM duckdb_databases() WHERE path = $file;
