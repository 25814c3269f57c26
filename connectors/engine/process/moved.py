"""Answers an import by a name that a module once had, with the name that it has now. Finds no module."""

import sys

# What connectors elsewhere imported before the modules had rooms, and where its names are now.
MOVED = {
    "connectors.cli": ("connectors.engine.process.cli",),
    "connectors.conversion": ("dataflow.retype",),
    "connectors.deletion": ("connectors.sql.deletion",),
    "connectors.drivers": ("connectors.engine.process.registry",),
    "connectors.journal_table": ("connectors.contract", "connectors.sql.journal"),
    "connectors.ledger": ("connectors.contract", "connectors.sql.session"),
    "connectors.options": ("connectors.contract.options",),
    "connectors.refusals": ("connectors.sql.refusals",),
    "connectors.registry": ("connectors.engine.process.registry",),
    "connectors.specification": ("connectors.contract.specification",),
    "connectors.sql_ledger": ("connectors.sql.ledger",),
    "connectors.testkit.destination": ("connectors.testkit",),
    "connectors.testkit.messages": ("connectors.testkit.harness.messages",),
    "connectors.testkit.rows": ("connectors.testkit.harness.rows",),
    "connectors.testkit.warehouse": ("connectors.testkit.harness.warehouse",),
    "dataflow.aggregate": ("dataflow.pipeline.aggregate",),
    "dataflow.cells": ("dataflow.values.cells",),
    "dataflow.coercion": ("dataflow.values.coercion",),
    "dataflow.number_column": ("dataflow.values.number_column",),
    "dataflow.structs": ("dataflow.shape", "dataflow.input.messages"),
    "dataflow.temporal": ("dataflow.values.temporal",),
    "dataflow.temporal_column": ("dataflow.values.temporal_column",),
    "dataflow.vectors": ("dataflow.values.arrow_columns",),
}


class Moved:
    """A finder of modules, asked last of all: for a module that no other has found."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """None; ModuleNotFoundError with the new name if there was such a module."""
        if name in MOVED:
            raise ModuleNotFoundError(
                f"The module {name} has moved: import from {' or '.join(MOVED[name])}.", name=name
            )


def announce_moves() -> None:
    """From now on an import by an old name says the new one."""
    sys.meta_path.append(Moved)
