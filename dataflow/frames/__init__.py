"""The data of a Python program as the input of a stream: Arrow's columns, frames, dicts. Knows no database."""
