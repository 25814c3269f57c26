"""Loads whose rows come in shards, which any process may write. Decides nothing that a machine could."""
