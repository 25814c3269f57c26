"""The documentation held to the code: its examples are run, its tables made anew and compared."""
