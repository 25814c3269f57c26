"""The tests, their servers and the demonstration. Nothing here is installed, and no code of ours imports it."""
