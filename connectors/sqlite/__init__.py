"""The SQLite destination: a file, by the standard library's own database. Its parts meet in `connector`."""
