"""The documentation held to the code: its examples are run, its tables are made again and compared."""
