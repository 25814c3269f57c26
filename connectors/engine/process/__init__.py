"""The process of a destination: its arguments, its configuration, its signals and its output. Knows no stream."""
