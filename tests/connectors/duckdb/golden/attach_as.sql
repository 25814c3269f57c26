ATTACH '/data/memory.duckdb' AS "memory_db" (ROW_GROUP_SIZE 20480);
