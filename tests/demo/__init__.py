"""The demonstration behind `make demo`: a real source into a real database, twice. It imitates nothing."""
