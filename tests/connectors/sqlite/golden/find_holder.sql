SELECT type FROM sqlite_master WHERE type IN ('view', 'index') AND name = :name COLLATE NOCASE;
