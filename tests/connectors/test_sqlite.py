"""The SQLite connector keeps the contract: by the very test that `dataflow new-connector` writes for another."""

from connectors.template.sqlite.test_contract import TestSqlite

__all__ = ["TestSqlite"]
