SET temp_directory = '/data/it''s.duckdb.tmp';
