"""The DuckDB destination. Its parts meet in `connector`."""
