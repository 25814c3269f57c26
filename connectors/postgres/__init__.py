"""The Postgres destination. Its parts meet in `connector`."""
