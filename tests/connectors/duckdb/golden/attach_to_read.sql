ATTACH '/data/it''s.duckdb' AS "it's" (READ_ONLY);
