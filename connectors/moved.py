"""Answers an import by a name that a module once had, with the name that it has now. Finds no module."""

import sys

# The modules that kept their names: the package that they were in, the one that they are in, and the names.
_REHOUSED = (
    ("connectors", "connectors.contract", "options specification"),
    ("connectors", "connectors.engine", "commands report"),
    ("connectors", "connectors.engine.dry_run", "doctor doctor_text plan plan_text suspicion"),
    ("connectors", "connectors.engine.monitor", "display log progress"),
    ("connectors", "connectors.engine.process", "cli masking registry runner terminal write_options"),
    (
        "connectors",
        "connectors.engine.sync",
        "check faults key_columns naming operations setting_up sync transactions undoing unfit",
    ),
    ("connectors", "connectors.sql", "deletion refusals"),
    (
        "connectors.testkit",
        "connectors.testkit.harness",
        "faulty interruptions messages model rows runs warehouse",
    ),
    (
        "connectors.testkit",
        "connectors.testkit.suites",
        "account changes checkpoints coercion doctor evolution failures journal keys ledger leftovers merging",
    ),
    (
        "connectors.testkit",
        "connectors.testkit.suites",
        "naming narrowing operations overwrites ownership recovery rehearsal strangers suspicions syncs tables",
    ),
    ("dataflow", "dataflow.input", "complaints decoder packer parcel source_changes"),
    ("dataflow", "dataflow.pipeline", "aggregate aggregate_store checkpoints partitions"),
    ("dataflow", "dataflow.values", "aside cells coercion number_column temporal temporal_column"),
    ("machines", "machines.diagram", "layout"),
    ("machines", "machines.journal", "account replay standing"),
)
# Those that have another name now, or whose names are in two modules.
_RENAMED = {
    "connectors.configured": "connectors.engine.process.open_destination",
    "connectors.conversion": "dataflow.retype",
    "connectors.drivers": "connectors.engine.process.registry",
    "connectors.journal_file": "connectors.engine.journal.file",
    "connectors.journal_keeper": "connectors.engine.journal.writer",
    "connectors.journal_source": "connectors.engine.journal.reader",
    "connectors.journal_table": "connectors.contract connectors.sql.journal",
    "connectors.ledger": "connectors.contract connectors.sql.session",
    "connectors.mending": "connectors.engine.dry_run.repair",
    "connectors.output": "connectors.engine.process.outlet",
    "connectors.postgres.tunnel": "connectors.sql.ssh_tunnel",
    "connectors.rehearsal": "connectors.engine.dry_run.effects",
    "connectors.requests": "connectors.engine.process.signals",
    "connectors.side_by_side": "connectors.engine.sync.parallel",
    "connectors.sql_ledger": "connectors.sql.ledger",
    "connectors.sqlite.buffer": "connectors.sql.rows",
    "connectors.sqlite.locks": "connectors.sql.file_locks",
    "connectors.testkit.destination": "connectors.testkit",
    "connectors.watching": "connectors.engine.monitor.monitor",
    "connectors.withholding": "connectors.engine.sync.state_gate",
    "dataflow.intake": "dataflow.pipeline.reader_thread",
    "dataflow.mailbox": "dataflow.pipeline.inbox",
    "dataflow.memory": "dataflow.malloc",
    "dataflow.reader": "dataflow.input.lines",
    "dataflow.reading": "dataflow.input.compiled",
    "dataflow.settling": "dataflow.input.assemble",
    "dataflow.share": "dataflow.input.stream_chunk",
    "dataflow.structs": "dataflow.shape dataflow.input.messages",
    "dataflow.vectors": "dataflow.values.arrow_columns",
    "dataflow.writing": "dataflow.pipeline.writers",
    "machines.chronicle": "machines.journal.history",
    "machines.drawing": "machines.diagram.svg",
    "machines.markup": "machines.diagram.xml",
    "machines.telling": "machines.formatting",
}
# An old name, and where its content is now.
MOVED = {
    **{f"{old}.{name}": (f"{new}.{name}",) for old, new, names in _REHOUSED for name in names.split()},
    **{old: tuple(new.split()) for old, new in _RENAMED.items()},
}


class Moved:
    """A finder of modules, asked last of all: for a module that no other has found."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """None; for an import of such a module, ModuleNotFoundError with the new name."""
        if name in MOVED and _imports():
            raise ModuleNotFoundError(
                f"The module {name} has moved: import from {' or '.join(MOVED[name])}.", name=name
            )


def _imports() -> bool:
    """Whether Python asks for an import. `importlib.util.find_spec` asks too, and promises its caller an answer."""
    asking = sys._getframe(3)  # noqa: SLF001 - nothing that a finder is given says it
    return asking.f_code.co_name == "_find_and_load_unlocked"


def announce_moves() -> None:
    """From now on an import by an old name says the new one."""
    sys.meta_path.append(Moved)
