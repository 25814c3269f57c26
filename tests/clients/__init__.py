"""Real clients and sources, unchanged, against our destinations: each in a virtual environment of its own."""
