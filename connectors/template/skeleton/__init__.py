"""The model of a connector for a database that speaks SQL: its package, its README and its test."""
