"""How a table is replaced without losing what people built on it: decided here from what was found, done elsewhere.

If something depends on the table itself, its rows are exchanged in place; nobody's view, index or policy is dropped
unless the configuration asks for it. Else the new table takes its name, and what is written on it goes along.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum

from attrs import frozen

from connectors.postgres.merging import SOURCE, TARGET
from connectors.postgres.quoting import rows_of, table_name
from connectors.sql.statements import of, qualified
from connectors.sql.text import NOTHING, Keyword, Name, Part, Sql, Value, join, listed, names, sql
from dataflow.errors import ConfigError
from dataflow.types import RAW_ID, TableName

# How many of the things that hold on to a table a note names.
NAMED = 3


class Way(StrEnum):
    """How the source's rows get into the target's place."""

    # The source becomes the target. Constant time; nothing that holds on to the old table would survive.
    RENAME = "rename"
    # All rows are deleted and the source's inserted: never TRUNCATE, which readers would see through.
    REFILL = "refill"
    # Rows are paired by a key that foreign keys lead to: what stays must not go for a moment, or it cascades.
    UPDATE = "update"


@frozen
class Reference:
    """A foreign key that leads to a table, as the server words it, and the key it leads to.

    `acts`: where a row of the table goes, it deletes or changes those that lead to it. Others only forbid that.
    """

    words: str
    key: tuple[str, ...]
    acts: bool


@frozen(kw_only=True)
class Standing:
    """What was found about a table. `holders`: what would not survive its being dropped, as the server calls it.

    `references` are the foreign keys that lead to it. `secured`: row security or policies are among the holders.
    """

    holders: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    secured: bool = False


@frozen
class Plan:
    """How a table will be replaced, and why, in words for the journal. `key` pairs the rows of an UPDATE."""

    way: Way
    note: str
    key: tuple[str, ...] = ()


def decide(standing: Standing, *, drop_cascade: bool) -> Plan:
    """The plan for a table that is there; ConfigError where none would keep what people built on it."""
    if not standing.holders:
        return Plan(Way.RENAME, "by rename")
    # Without its policies a table that keeps its grants shows every row to a role that was shown some.
    if drop_cascade and not standing.secured:
        return Plan(Way.RENAME, f"by rename, dropping {named(standing.holders)} as drop_cascade asks")
    verb = "depends" if len(standing.holders) == 1 else "depend"
    note = f"inside the table: {named(standing.holders)} {verb} on it"
    if drop_cascade:
        note += ", and drop_cascade does not drop row security"
    if standing.references:
        return Plan(Way.UPDATE, note, _pairing(standing.references))
    return Plan(Way.REFILL, note)


def _pairing(references: Sequence[Reference]) -> tuple[str, ...]:
    """The key that pairs rows: one that foreign keys act on, for a row that keeps only another goes for a moment."""
    acting = [each for each in references if each.acts]
    if len({frozenset(each.key) for each in acting}) > 1:
        raise ConfigError(
            "The table's rows cannot be replaced: foreign keys refer to different keys of it, and would delete or "
            f"change rows although their key remains: {'; '.join(each.words for each in acting)}.",
            remedy="Let them refer to one key, or make those that refer to another ON DELETE NO ACTION; or drop them, "
            "run the sync, and create them again.",
        )
    return (acting or references)[0].key


def named(holders: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = [f"{len(holders) - NAMED} more"] if len(holders) > NAMED else []
    parts = [*holders[:NAMED], *more]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# -- inside the table


def empty(target: TableName, *, partitioned: bool = False) -> Sql:
    """Delete all rows; a concurrent reader still sees them."""
    return sql("DELETE FROM {}", rows_of(target, partitioned=partitioned))


def refill(source: TableName, target: TableName, columns: Sequence[str]) -> Sql:
    """Insert the source's rows into the emptied target."""
    return sql(
        "INSERT INTO {} ({}) SELECT {} FROM {}",
        table_name(target),
        names(columns),
        names(columns),
        table_name(source),
    )


def exchange(
    source: TableName,
    target: TableName,
    columns: Sequence[str],
    key: Sequence[str],
    *,
    partitioned: bool = False,
) -> tuple[Sql, ...]:
    """Make the target's rows the source's, paired by a key: delete those that are gone, update, insert.

    Constraints that can wait are checked at the end. The key is unique in the target, and null leads nowhere.
    """
    parts = {
        "source": SOURCE,
        "target": TARGET,
        "source_table": table_name(source),
        "target_rows": rows_of(target, partitioned=partitioned),
    }
    same_key = join(" AND ", (sql("{} = {}", of(SOURCE, each), of(TARGET, each)) for each in key))
    delete = sql(
        "DELETE FROM {target_rows} AS {target} WHERE NOT EXISTS "
        "(SELECT FROM {source_table} AS {source} WHERE {same_key})",
        **parts,
        same_key=same_key,
    )
    update = sql(
        "UPDATE {target_rows} AS {target} SET ({names}) = ROW({values}) FROM (SELECT DISTINCT ON ({key}) * "
        "FROM {source_table} AS {source} ORDER BY {key}) AS {source} WHERE {same_key}",
        **parts,
        same_key=same_key,
        names=names(columns),
        values=qualified(SOURCE, columns),
        key=qualified(SOURCE, key),
    )
    # A row that was paired has brought its raw id; a second row of its key is inserted, for the constraint to judge.
    insert = sql(
        "INSERT INTO {target_table} ({names}) SELECT {values} FROM {source_table} AS {source} WHERE NOT EXISTS "
        "(SELECT FROM {target_rows} AS {target} WHERE {target_id} = {source_id})",
        **parts,
        target_table=table_name(target),
        names=names(columns),
        values=qualified(SOURCE, columns),
        target_id=of(TARGET, RAW_ID),
        source_id=of(SOURCE, RAW_ID),
    )
    wait, check = sql("SET CONSTRAINTS ALL DEFERRED"), sql("SET CONSTRAINTS ALL IMMEDIATE")
    return wait, delete, update, insert, check


# -- what goes along with a name


@frozen(order=True)
class Grant:
    """A right on a table, or on one of its columns; everybody's where no grantee is named."""

    privilege: str
    column: str | None
    grantee: str | None
    grantable: bool

    def __str__(self) -> str:
        column = f" of {self.column}" if self.column else ""
        return f"{self.privilege}{column} to {self.grantee or 'PUBLIC'}"


@frozen(kw_only=True)
class Belongings:
    """What is written on a table and is no object of its own.

    `comments` and `statistics` are by column, the table's own comment under None. Grants to the owner are not listed.
    """

    owner: str
    replica_identity: str = "DEFAULT"
    options: tuple[tuple[str, str], ...] = ()
    comments: tuple[tuple[str | None, str], ...] = ()
    statistics: tuple[tuple[str, int], ...] = ()
    grants: frozenset[Grant] = frozenset()


def hand_over(old: Belongings, new: Belongings, table: TableName, columns: Collection[str]) -> Iterator[Sql]:
    """The statements that give `table`, whose belongings are `new`, those of the old one.

    `columns` are those it has. Texts that people wrote become literals, since a definition takes no parameters.
    """
    name = table_name(table)
    if old.owner != new.owner:
        yield sql("ALTER TABLE {} OWNER TO {}", name, Name(old.owner))
    yield from _grants(old, new, name, columns)
    yield from _comments_and_statistics(old, name, columns)
    if old.options:
        pairs = (sql("{} = {}", Name(*k.split(".")), Value(v)) for k, v in old.options)
        yield sql("ALTER TABLE {} SET ({})", name, listed(pairs))
    if old.replica_identity != new.replica_identity:
        yield sql("ALTER TABLE {} REPLICA IDENTITY {}", name, Keyword(old.replica_identity))


def _grants(old: Belongings, new: Belongings, name: Name, columns: Collection[str]) -> Iterator[Sql]:
    """The rights of the old table and no others: a new table has those of the default privileges."""
    for grant in sorted(new.grants - old.grants, key=str):
        if grant.grantee != old.owner:
            yield sql("REVOKE {} ON TABLE {} FROM {}", _right(grant), name, _grantee(grant))
    for grant in sorted(old.grants - new.grants, key=str):
        if grant.column is None or grant.column in columns:
            option = sql(" WITH GRANT OPTION") if grant.grantable else NOTHING
            yield sql("GRANT {} ON TABLE {} TO {}{}", _right(grant), name, _grantee(grant), option)


def _comments_and_statistics(old: Belongings, name: Name, columns: Collection[str]) -> Iterator[Sql]:
    for column, text in old.comments:
        if column is None:
            yield sql("COMMENT ON TABLE {} IS {}", name, Value(text))
        elif column in columns:
            yield sql("COMMENT ON COLUMN {}.{} IS {}", name, Name(column), Value(text))
    for column, target in old.statistics:
        if column in columns:
            yield sql("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS {}", name, Name(column), Value(target))


def _right(grant: Grant) -> Part:
    # The server's own word for it.
    privilege = Keyword(grant.privilege)
    return privilege if grant.column is None else sql("{} ({})", privilege, Name(grant.column))


def _grantee(grant: Grant) -> Part:
    return sql("PUBLIC") if grant.grantee is None else Name(grant.grantee)
