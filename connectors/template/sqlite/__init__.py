"""The README and the test of a connector that begins as a copy of SQLite's."""
