"""Real PostgreSQL servers for the tests and the demonstration. There is no imitation of one here."""
