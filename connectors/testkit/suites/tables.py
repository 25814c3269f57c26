"""The suite for tables as such: make, fill, look, trim, copy, swap, undo. What rows mean is the part of `merging`."""

from decimal import Decimal

import pytest

from connectors.contract import Atomic
from connectors.testkit.harness.destination import Bench, Suite, needs
from connectors.testkit.harness.rows import VALUES, batch, columns, data, raw_id, row
from dataflow.errors import ConfigError
from dataflow.types import Kind, Limits, TableName

INT = columns(test=Kind.INTEGER)
ID_TEST = columns(id=Kind.STRING, test=Kind.INTEGER)
ALL_KINDS = columns(**{str(kind): kind for kind in Kind})


class TableOperationsSuite(Suite):
    """TableOperationsClient and InsertBuffer keep `connectors.contract`."""

    # -- the simplest: a table, a row, and a transaction that is rolled back

    def test_a_table_exists_from_its_creation_to_its_drop(self, bench: Bench) -> None:
        table = bench.table("users")
        seen = []
        with bench.client.transaction():
            seen.append(bench.client.table_exists(table))
        with bench.client.transaction():
            bench.client.create_table(table, INT, ())
            seen.append(bench.client.table_exists(table))
        with bench.client.transaction():
            seen.append(bench.client.table_exists(table))
            bench.client.drop_table(table)
            seen.append(bench.client.table_exists(table))

        assert seen == [False, True, True, False]

    def test_a_row_is_read_back_with_its_metadata(self, bench: Bench) -> None:
        table, written = bench.table("users"), row(1, test=42)

        bench.make(table, INT, written)

        assert bench.rows(table, INT) == [written]

    def test_a_row_that_a_transaction_inserted_is_gone_when_it_fails(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT, row(1, test=1))

        with bench.undone():
            bench.insert(table, INT, row(2, test=2))

        assert bench.rows(table, INT) == [row(1, test=1)]

    @needs(undoes_tables=True)
    def test_a_table_that_a_transaction_made_is_gone_when_it_fails(self, bench: Bench) -> None:
        with bench.undone():
            bench.client.create_table(bench.table("users"), INT, ())

        assert bench.destination.tables() == set()

    @needs(undoes_tables=True)
    def test_a_dropped_table_is_there_again_when_its_transaction_fails(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT, row(1, test=1))

        with bench.undone():
            bench.client.drop_table(table)

        assert bench.rows(table, INT) == [row(1, test=1)]

    def test_a_connector_claims_everything_only_if_it_undoes_changes_of_tables(self, bench: Bench) -> None:
        """A capability that is given up costs the claim: the class of the database decides how it is written to."""
        assert self.capabilities.undoes_tables or bench.connector.atomic is not Atomic.EVERYTHING

    # -- namespaces and tables

    def test_a_namespace_can_be_created_twice_and_holds_tables(self, bench: Bench) -> None:
        for _ in range(2):
            with bench.client.transaction():
                bench.client.create_namespace("kit-namespace")
        table = TableName("kit-namespace", "users")

        bench.make(table, INT, row(1, test=42))

        assert data(bench.rows(table, INT)) == [{"test": 42}]

    def test_a_table_in_a_namespace_that_is_not_there_does_not_exist(self, bench: Bench) -> None:
        with bench.client.transaction():
            exists = bench.client.table_exists(TableName("nowhere", "users"))

        assert not exists

    def test_dropping_a_table_that_is_not_there_changes_nothing(self, bench: Bench) -> None:
        bench.make(bench.table("others"), INT)

        with bench.client.transaction():
            bench.client.drop_table(bench.table("users"))

        assert bench.destination.tables() == {bench.table("others")}

    def test_two_tables_whose_names_differ_at_the_end_of_what_fits_are_two(self, bench: Bench) -> None:
        length = min(bench.connector.columns.naming.longest, 255)
        tables = [bench.table("t" * (length - 1) + last) for last in "ab"]

        for number, table in enumerate(tables):
            bench.make(table, ID_TEST, row(number, id=table.name), key=("id",))

        assert [data(bench.rows(table, ID_TEST))[0]["id"] for table in tables] == [t.name for t in tables]

    # -- rows

    def test_inserts_add_up(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT, *(row(n) for n in range(3)))
        counts = []
        for start, stop in ((3, 3), (3, 4), (4, 10)):
            with bench.client.transaction():
                bench.insert(table, INT, *(row(n) for n in range(start, stop)))
                counts.append(bench.client.count_rows(table))

        assert counts == [3, 4, 10]

    def test_an_insert_says_how_many_rows_the_database_took(self, bench: Bench) -> None:
        """Counts are conserved: the framework compares it with what was read."""
        table, limits = bench.table("users"), bench.connector.columns.limits
        bench.make(table, INT, row(0))
        batches = [batch(INT, [row(n) for n in numbers], limits) for numbers in ((1, 2), (3, 4, 5))]

        with bench.client.transaction():
            taken = bench.buffer.insert(table, INT, batches)

        assert taken == 5

    def test_an_insert_takes_several_batches(self, bench: Bench) -> None:
        table, limits = bench.table("users"), bench.connector.columns.limits
        bench.make(table, INT)
        batches = [batch(INT, [row(n, test=n)], limits) for n in range(3)]

        with bench.client.transaction():
            bench.buffer.insert(table, INT, batches)

        assert data(bench.rows(table, INT)) == [{"test": 0}, {"test": 1}, {"test": 2}]

    def test_an_insert_goes_by_name_where_the_table_has_another_order(self, bench: Bench) -> None:
        """A column added later stands last in its table, wherever the catalog has it."""
        table = bench.table("users")
        bench.make(table, tuple(reversed(ID_TEST)))

        with bench.client.transaction():
            bench.insert(table, ID_TEST, row(1, id="a", test=42))

        assert data(bench.rows(table, ID_TEST)) == [{"id": "a", "test": 42}]

    @pytest.mark.parametrize("kind", Kind)
    def test_every_value_of_a_kind_comes_back(self, bench: Bench, kind: Kind) -> None:
        table, of = bench.table("users"), columns(value=kind)
        values = [*VALUES[kind], None]

        bench.make(table, of, *(row(n, value=value) for n, value in enumerate(values)))

        assert [r["value"] for r in bench.rows(table, of)] == values

    @needs(fixed_decimals=False)
    def test_a_number_keeps_every_digit(self, bench: Bench) -> None:
        table, of = bench.table("users"), columns(value=Kind.NUMBER)
        values = [Decimal(text) for text in ("1" * 60, "-0." + "0" * 40 + "1", "1e40", "0.1")]

        bench.make(table, of, *(row(n, value=value) for n, value in enumerate(values)))

        assert [r["value"] for r in bench.rows(table, of)] == values

    @needs(fixed_decimals=False)
    def test_batches_of_one_insert_may_hold_numbers_as_decimals_and_as_text(self, bench: Bench) -> None:
        """Coercion gives decimals where all cells of a batch fit them, and text where one needs more."""
        table, of = bench.table("users"), columns(value=Kind.NUMBER)
        bench.make(table, of)
        batches = [
            batch(of, [row(1, value=Decimal("0.5"))], Limits(number=(38, 9))),
            batch(of, [row(2, value=Decimal("1e50"))], Limits(number=None)),
        ]

        with bench.client.transaction():
            bench.buffer.insert(table, of, batches)

        assert [r["value"] for r in bench.rows(table, of)] == [Decimal("0.5"), Decimal("1e50")]

    def test_a_row_of_nulls_comes_back(self, bench: Bench) -> None:
        table = bench.table("users")

        bench.make(table, ALL_KINDS, row(1))

        assert data(bench.rows(table, ALL_KINDS)) == [{str(kind): None for kind in Kind}]

    def test_a_table_without_columns_of_its_own_holds_rows(self, bench: Bench) -> None:
        table = bench.table("users")

        bench.make(table, (), row(1), row(2))

        assert bench.rows(table, ()) == [row(1), row(2)]

    def test_a_table_is_empty_until_a_row_comes(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT)
        seen = []
        for rows in ((), (row(1),)):
            with bench.client.transaction():
                bench.insert(table, INT, *rows)
                seen.append(bench.client.table_is_empty(table))

        assert seen == [True, False]

    # -- trim, copy, overwrite

    def test_trimming_deletes_what_is_above_the_checkpoint_and_says_how_many(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT, *(row(n) for n in range(5)))

        with bench.client.transaction():
            trimmed = bench.client.trim_table(table, raw_id(2))

        assert trimmed == 2
        assert bench.rows(table, INT) == [{**row(n), "test": None} for n in range(3)]

    def test_trimming_without_a_checkpoint_deletes_every_row(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT, row(1), row(2))

        with bench.client.transaction():
            trimmed = bench.client.trim_table(table, None)

        assert (trimmed, bench.rows(table, INT)) == (2, [])

    def test_copying_appends_by_name_and_leaves_the_source(self, bench: Bench) -> None:
        source, target = bench.table("users_tmp"), bench.table("users")
        bench.make(source, ID_TEST, row(3, id="c", test=123), row(4, id="d", test=456))
        bench.make(target, tuple(reversed(ID_TEST)), row(1, id="a", test=86), row(2, id="b", test=75))

        with bench.client.transaction():
            copied = bench.client.copy_table(source, target, ID_TEST)

        assert copied == 2
        assert [r["test"] for r in bench.rows(target, ID_TEST)] == [86, 75, 123, 456]
        assert [r["test"] for r in bench.rows(source, ID_TEST)] == [123, 456]

    def test_overwriting_puts_the_source_in_the_targets_place(self, bench: Bench) -> None:
        source, target = bench.table("users_tmp"), bench.table("users")
        bench.make(source, INT, row(4, test=123), row(5, test=456))
        bench.make(target, ID_TEST, row(1, test=86), row(2, test=75), row(3, test=309), key=("id",))

        with bench.client.transaction():
            bench.client.overwrite_table(source, target)

        assert data(bench.rows(target, INT)) == [{"test": 123}, {"test": 456}]
        assert bench.destination.tables() == {target}

    def test_overwriting_a_table_that_is_not_there_makes_it(self, bench: Bench) -> None:
        source, target = bench.table("users_tmp"), bench.table("users")
        bench.make(source, INT, row(1, test=123))

        with bench.client.transaction():
            bench.client.overwrite_table(source, target)

        assert data(bench.rows(target, INT)) == [{"test": 123}]
        assert bench.destination.tables() == {target}

    def test_overwriting_time_and_again_frees_the_sources_name_each_time(self, bench: Bench) -> None:
        """What belongs to a table by name (indexes, constraints) must go along with it."""
        source, target = bench.table("users_tmp"), bench.table("users")
        for number in range(3):
            bench.make(source, ID_TEST, row(number, test=number), key=("id",))
            with bench.client.transaction():
                bench.client.overwrite_table(source, target)

        assert [r["test"] for r in bench.rows(target, ID_TEST)] == [2]

    @needs(undoes_tables=True)
    def test_an_overwrite_is_undone_with_its_transaction(self, bench: Bench) -> None:
        source, target = bench.table("users_tmp"), bench.table("users")
        bench.make(source, INT, row(2, test=2))
        bench.make(target, INT, row(1, test=1))

        with bench.undone():
            bench.client.overwrite_table(source, target)

        assert bench.rows(target, INT) == [row(1, test=1)]
        assert bench.rows(source, INT) == [row(2, test=2)]

    # -- transactions

    @needs(undoes_tables=True)
    def test_what_a_transaction_did_is_undone_when_it_fails(self, bench: Bench) -> None:
        """Finalising is one transaction: it makes, fills, swaps and drops tables, and writes the ledger."""
        final, temp, other = (bench.table(name) for name in ("users", "users_tmp", "others"))
        bench.make(final, INT, row(1, test=1))
        bench.make(temp, INT, row(2, test=2))

        with bench.undone():
            bench.client.create_namespace("undone")
            bench.client.create_table(other, INT, ())
            bench.insert(temp, INT, row(3, test=3))
            bench.client.trim_table(temp, raw_id(2))
            bench.client.overwrite_table(temp, final)

        assert bench.destination.tables() == {final, temp}
        assert bench.rows(final, INT) == [row(1, test=1)]
        assert bench.rows(temp, INT) == [row(2, test=2)]

    def test_a_client_works_on_after_a_transaction_that_the_database_broke(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT)

        with pytest.raises(Exception), bench.client.transaction():  # noqa: B017, PT011 - each driver has its own
            bench.client.count_rows(bench.table("missing"))
        with bench.client.transaction():
            bench.insert(table, INT, row(1, test=1))

        assert bench.rows(table, INT) == [row(1, test=1)]

    @needs(foreign_tables=True)
    def test_a_table_that_somebody_took_away_is_reported_as_that(self, bench: Bench) -> None:
        """It is a person's doing, and no defect to be reported."""
        with pytest.raises(Exception) as caught, bench.client.transaction():  # noqa: PT011 - each driver has its own
            bench.insert(bench.table("missing"), INT, row(1, test=1))

        found = bench.connector.explain(caught.value)
        assert isinstance(found, ConfigError)
        assert "renamed or dropped" in found.message

    def test_a_client_works_on_after_it_gave_up_its_connection(self, bench: Bench) -> None:
        table = bench.table("users")
        bench.make(table, INT)

        bench.client.recover()
        with bench.client.transaction():
            bench.insert(table, INT, row(1, test=1))

        assert bench.rows(table, INT) == [row(1, test=1)]

    def test_closing_twice_is_no_error(self, bench: Bench) -> None:
        bench.client.close()
        bench.client.close()
        bench.connector.close()

        assert bench.destination.tables() == set()
