ATTACH '/data/it''s.duckdb' (ROW_GROUP_SIZE 20480);
