"""Runs a sync against any connector, and the commands around it. Knows no database."""
