"""One table put in another's place, in the way that `swap` decides. Composes no statement, and decides nothing."""

from connectors.postgres import swap
from connectors.postgres.inspection import Tables
from dataflow.evolution import ColumnChangeset, diff
from dataflow.types import METADATA_COLUMNS, TableName


def replace(client: Tables, source: TableName, target: TableName, *, drop_cascade: bool) -> str:
    """The target is what the source was, and the source is gone; why it was done in this way.

    `drop_cascade`: the configuration lets go what holds on to the target.
    """
    if not client.table_exists(target):
        client.rename_table(source, target)
        return "there was no table"
    plan = swap.decide(client.server.standing(target), drop_cascade=drop_cascade)
    match plan.way:
        case swap.Way.RENAME:
            _hand_over(client, target, source)
            client.drop_table(target)
            client.rename_table(source, target)
        case swap.Way.REFILL:
            client.server.see_all_rows(target)
            client.server.require_identity(target)
            changes, names = _changes(client, source, target)
            client.execute(swap.empty(target, partitioned=client.server.is_partitioned(target)))
            # An empty table has nothing to rewrite, whatever changes; those that inherit keep their rows.
            client.apply_changeset(target, changes)
            client.execute(swap.refill(source, target, names))
            client.drop_table(source)
        case swap.Way.UPDATE:
            client.server.see_all_rows(target)
            client.server.require_identity(target)
            changes, names = _changes(client, source, target)
            client.apply_changeset(target, changes)
            partitioned = client.server.is_partitioned(target)
            for statement in swap.exchange(source, target, names, plan.key, partitioned=partitioned):
                client.execute(statement)
            client.drop_table(source)
    return plan.note


def _changes(client: Tables, source: TableName, target: TableName) -> tuple[ColumnChangeset, list[str]]:
    """What the target's columns need to become the source's, and the names that both then have."""
    wanted = client.discover_schema(source)
    return diff(client.discover_schema(target), wanted), [*METADATA_COLUMNS, *wanted.columns]


def _hand_over(client: Tables, old: TableName, new: TableName) -> None:
    columns = {*METADATA_COLUMNS, *client.discover_schema(new).columns}
    for statement in swap.hand_over(
        client.server.belongings(old), client.server.belongings(new), new, columns
    ):
        client.execute(statement)
