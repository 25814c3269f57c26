"""Tables that people built on are replaced: all of theirs is there afterwards, and right, and readers saw no gap."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import psycopg
import pytest

from connectors.engine.sync.transactions import undone
from connectors.postgres import DEFINITION
from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.swap import Plan, Reference, Standing, Way, decide
from connectors.testkit import Destination
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, record, stream
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType, ColumnTypeChange
from dataflow.types import Kind, TableName
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import (
    FINAL,
    TEMP,
    as_a_person,
    column,
    fill,
    index_names,
    raw_id,
    recipe,
    texts,
)
from tests.connectors.test_postgres import Look
from tests.servers.address import Address

ID = (column("id", Kind.INTEGER),)
NAMED = (*ID, column("name", Kind.STRING))
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE


# -- the decision


def test_a_table_that_nothing_holds_on_to_is_replaced_by_rename() -> None:
    assert decide(Standing(), drop_cascade=False) == Plan(Way.RENAME, "by rename")


def test_a_table_with_a_view_is_refilled_and_the_reason_is_reported() -> None:
    plan = decide(Standing(holders=("view reports.daily",)), drop_cascade=False)

    assert plan == Plan(Way.REFILL, "inside the table: view reports.daily depends on it")


OF_USER = Reference(
    "orders: FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE", ("id",), acts=True
)


def test_rows_that_foreign_keys_lead_to_are_updated_by_that_key() -> None:
    standing = Standing(holders=("index a", "index b", "index c", "index d"), references=(OF_USER,))

    plan = decide(standing, drop_cascade=False)

    note = "inside the table: index a, index b, index c and 1 more depend on it"
    assert plan == Plan(Way.UPDATE, note, ("id",))


def test_rows_are_updated_by_the_key_whose_foreign_key_acts_where_others_only_forbid() -> None:
    forbids = Reference("names: FOREIGN KEY (name) REFERENCES users(name)", ("name",), acts=False)

    plan = decide(Standing(holders=("index a",), references=(forbids, OF_USER)), drop_cascade=False)

    assert plan.key == ("id",)


def test_drop_cascade_drops_what_depends_and_says_so() -> None:
    standing = Standing(holders=("view v",), references=(OF_USER,))

    plan = decide(standing, drop_cascade=True)

    assert plan == Plan(Way.RENAME, "by rename, dropping view v as drop_cascade asks")


def test_drop_cascade_leaves_row_security_where_it_is_and_says_so() -> None:
    standing = Standing(holders=("its row security",), secured=True)

    plan = decide(standing, drop_cascade=True)

    note = "inside the table: its row security depends on it, and drop_cascade does not drop row security"
    assert plan == Plan(Way.REFILL, note)


# -- what holds on to a table

HOLDERS: Mapping[str, tuple[str, ...]] = {
    "CREATE VIEW v AS SELECT id FROM users": ("view public.v",),
    "CREATE MATERIALIZED VIEW v AS SELECT id FROM users": ("materialized view public.v",),
    "CREATE RULE r AS ON DELETE TO users DO ALSO NOTHING": ("rule r on public.users",),
    "CREATE INDEX mine ON users (name)": ("index public.mine",),
    "CREATE INDEX mine ON users (lower(name))": ("index public.mine",),
    "ALTER TABLE users ADD CONSTRAINT pk PRIMARY KEY (id)": ("table constraint pk on public.users",),
    "ALTER TABLE users ADD CONSTRAINT c CHECK (id > 0)": ("table constraint c on public.users",),
    "CREATE TABLE o (id bigint PRIMARY KEY); ALTER TABLE users ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES o": (
        "table constraint f on public.users",
    ),
    "ALTER TABLE users ADD CONSTRAINT u UNIQUE (id); "
    "CREATE TABLE o (id bigint CONSTRAINT f REFERENCES users (id))": (
        "table constraint f on public.o",
        "table constraint u on public.users",
    ),
    "CREATE TRIGGER t AFTER INSERT ON users EXECUTE FUNCTION suppress_redundant_updates_trigger()": (
        "trigger t on public.users",
    ),
    "CREATE POLICY p ON users": ("policy p on public.users",),
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY": ("its row security",),
    "ALTER TABLE users FORCE ROW LEVEL SECURITY": ("its row security",),
    'CREATE PUBLICATION "P" FOR TABLE users': ('publication "P"',),
    "CREATE PUBLICATION p FOR ALL TABLES": ("publication p",),
    "CREATE PUBLICATION p FOR TABLES IN SCHEMA public": ("publication p",),
    "CREATE STATISTICS s ON id, name FROM users": ("statistics object public.s",),
    "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT id FROM users; END": ("function public.f()",),
    "CREATE FUNCTION f(users) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'": (
        "function public.f(public.users)",
    ),
    "CREATE TABLE o (u users[])": ("table column public.o.u",),
    "CREATE TABLE o () INHERITS (users)": ("table public.o",),
    "CREATE TABLE o (LIKE users); ALTER TABLE users INHERIT o": ("its place in public.o",),
    "ALTER TABLE users ALTER name SET DEFAULT 'x'": ("default value for public.users.name",),
    "CREATE ROLE {role}; GRANT SELECT ON users TO {role} WITH GRANT OPTION; "
    "SET LOCAL ROLE {role}; GRANT SELECT ON users TO PUBLIC; RESET ROLE": ("grants by {role}",),
    # None of these is an object of its own: they go along with the name.
    "COMMENT ON TABLE users IS 'ours'": (),
    "GRANT SELECT (id) ON users TO PUBLIC": (),
    "ALTER TABLE users SET (fillfactor = 70), ALTER id SET STATISTICS 500": (),
    "CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}; ALTER TABLE users OWNER TO {role}": (),
}


def test_whatever_holds_on_to_a_table_is_found_and_named(
    connector: PostgresConnector, client: PostgresClient, postgres_database: Address
) -> None:
    fill(connector, client, FINAL, NAMED, [{"id": 1, "name": "a"}])
    with client.transaction():
        client.expect_meta(FINAL, '{"sync_id":1,"changes":[]}')
        client.merge_table(FINAL, FINAL, recipe(NAMED, ["id"]))
    role = f"r_{postgres_database.dbname}"
    found: dict[str, tuple[str, ...]] = {}

    for built in HOLDERS:
        with undone(client):
            as_a_person(client, built.replace("{role}", role).encode())
            holders = client.server.standing(FINAL).holders
            found[built] = tuple(each.replace(role, "{role}") for each in holders)

    assert found == HOLDERS


def test_a_table_whose_owner_we_cannot_restore_stays(
    connect: Connect, client: PostgresClient, connector: PostgresConnector, roles: Sequence[str]
) -> None:
    loader, dba = roles
    fill(connector, client, FINAL, ID, [{"id": 1}])
    as_a_person(client, f"ALTER TABLE users OWNER TO {dba}".encode())
    as_a_person(client, f"GRANT ALL ON users TO {loader}".encode())
    as_a_person(client, f"GRANT ALL ON SCHEMA public TO {loader}".encode())
    theirs = connect(username=loader).client()
    fill(connect(username=loader), theirs, TEMP, ID, [{"id": 2}])

    with theirs.transaction():
        note = theirs.overwrite_table(TEMP, FINAL)

    assert note == f"inside the table: its owner {dba} depends on it"
    assert ids(client) == [2]
    theirs.close()


# -- what goes along with a rename


@pytest.fixture
def roles(client: PostgresClient, postgres_database: Address) -> Iterator[Sequence[str]]:
    """Two users. Roles belong to the whole server."""
    names = [f"{each}_{postgres_database.dbname}" for each in ("one", "two")]
    for name in names:
        as_a_person(client, f"CREATE ROLE {name} LOGIN".encode())
    yield names
    for name in names:
        as_a_person(client, f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


WRITTEN = """
    SELECT relowner::regrole::text, relreplident::text, reloptions::text, obj_description(pg_class.oid),
      (SELECT array_agg(acl::text ORDER BY acl::text) FROM unnest(relacl) AS acl)::text,
      (SELECT array_agg((attname, attacl, attstattarget, col_description(pg_class.oid, attnum))::text
        ORDER BY attname) FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0)::text
    FROM pg_class WHERE oid = 'users'::regclass"""


def test_what_is_written_on_a_table_goes_along_and_nothing_is_added(
    connector: PostgresConnector, client: PostgresClient, roles: Sequence[str]
) -> None:
    one, two = roles
    fill(connector, client, FINAL, NAMED, [{"id": 1, "name": "a"}])
    for statement in (
        f"GRANT SELECT ON users TO {two} WITH GRANT OPTION",
        f"GRANT UPDATE (name), SELECT (id) ON users TO {two}",
        "GRANT INSERT ON users TO PUBLIC",
        "COMMENT ON TABLE users IS 'the user''s 100 % {table}'",
        "COMMENT ON COLUMN users.name IS 'a name'",
        "ALTER TABLE users SET (fillfactor = 70, toast.autovacuum_enabled = off)",
        "ALTER TABLE users ALTER name SET STATISTICS 500",
        "ALTER TABLE users REPLICA IDENTITY FULL",
        f"GRANT CREATE ON SCHEMA public TO {one}",
        f"ALTER TABLE users OWNER TO {one}",
        f"ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO {two}",
    ):
        as_a_person(client, statement.encode())
    before = as_a_person(client, WRITTEN).fetchone()
    fill(connector, client, TEMP, NAMED, [{"id": 2, "name": "b"}])

    with client.transaction():
        note = client.overwrite_table(TEMP, FINAL)

    assert note == "by rename"
    assert as_a_person(client, WRITTEN).fetchone() == before
    assert ids(client) == [2]


# -- whole syncs


@pytest.fixture
def warehouse(postgres_database: Address) -> Warehouse:
    look = Look(postgres_database)
    return Warehouse(
        Destination(
            definition=DEFINITION,
            options=postgres_database.destination_config(),
            soft_delete={"cdc_deletion_mode": "Soft delete"},
            read=look.read,
            tables=look.tables,
            make_foreign=look.make_foreign,
        )
    )


FIELDS = {"id": INTEGER, "name": STRING}

BUILT = """
    ALTER TABLE users ADD PRIMARY KEY (id);
    CREATE TABLE orders (user_id bigint CONSTRAINT of_user REFERENCES users ON DELETE CASCADE);
    INSERT INTO orders VALUES (1), (2);
    CREATE TABLE names (name varchar PRIMARY KEY);
    INSERT INTO names SELECT chr(97 + n) FROM generate_series(0, 25) AS n;
    ALTER TABLE users ADD CONSTRAINT of_name FOREIGN KEY (name) REFERENCES names;
    CREATE SCHEMA reports CREATE VIEW daily AS SELECT id, name FROM public.users WHERE id > 1;
    CREATE MATERIALIZED VIEW reports.monthly AS SELECT count(*) AS users FROM users;
    COMMENT ON TABLE users IS 'mine'; COMMENT ON COLUMN users.name IS 'also mine';
    CREATE INDEX by_name ON users (lower(name));
    CREATE STATISTICS together ON id, name FROM users;
    GRANT SELECT ON users TO {reader}; GRANT UPDATE (name) ON users TO {reader};
    CREATE POLICY few ON users FOR SELECT TO {reader} USING (id < 3);
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    CREATE PUBLICATION changes FOR TABLE users WHERE (id > 0);
    CREATE TABLE seen (what text);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO public.seen VALUES (TG_OP); RETURN NULL; END';
    CREATE TRIGGER watch AFTER INSERT OR UPDATE OR DELETE ON users EXECUTE FUNCTION see();
    ALTER TABLE users ALTER name SET STATISTICS 500, SET (fillfactor = 90), REPLICA IDENTITY FULL"""

# All that the catalog says of it, as text.
KEPT = """
    SELECT row_to_json(c)::jsonb - '{relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid}'::text[]
    FROM pg_class AS c WHERE oid = 'users'::regclass
    UNION ALL SELECT to_jsonb(a) FROM pg_attribute AS a WHERE attrelid = 'users'::regclass
    UNION ALL SELECT to_jsonb(i) FROM pg_index AS i WHERE indrelid = 'users'::regclass
    UNION ALL SELECT to_jsonb(n) FROM pg_constraint AS n WHERE 'users'::regclass IN (conrelid, confrelid)
    UNION ALL SELECT to_jsonb(p) FROM pg_policy AS p WHERE polrelid = 'users'::regclass
    UNION ALL SELECT to_jsonb(t) FROM pg_trigger AS t WHERE tgrelid = 'users'::regclass
    UNION ALL SELECT to_jsonb(r) FROM pg_publication_rel AS r
    UNION ALL SELECT to_jsonb(d) FROM pg_description AS d WHERE objoid = 'users'::regclass
    UNION ALL SELECT to_jsonb(s) FROM pg_statistic_ext AS s
    UNION ALL SELECT to_jsonb(v) FROM pg_views AS v WHERE schemaname = 'reports'
    UNION ALL SELECT to_jsonb(m) FROM pg_matviews AS m"""


class Reader:
    """Somebody who looks at a table all the time, and remembers each sight of it once."""

    def __init__(self, database: Address) -> None:
        self.seen: list[Any] = []
        self._dsn = database.dsn
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="reader")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._over.is_set():
                (sight,) = connection.execute("SELECT array_agg(name ORDER BY id) FROM users").fetchall()[0]
                if self.seen[-1:] != [sight]:
                    self.seen.append(sight)


@pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
def test_all_that_people_built_on_a_table_outlives_three_truncates(
    strategy: Strategy,
    warehouse: Warehouse,
    client: PostgresClient,
    roles: Sequence[str],
    postgres_database: Address,
) -> None:
    def truncate(generation: int, *names: str) -> list[str]:
        users = stream("users", strategy, FIELDS, generation=generation)
        rows = (record("users", id=n, name=name) for n, name in enumerate(names, 1))
        outcome = warehouse.sync(catalog(users), *rows, complete("users"))
        assert outcome.errors == []
        return [e["note"] for e in outcome.journal if e.get("operation") in ("swap", "dedupe_and_swap")]

    notes = truncate(1, "x", "y")
    as_a_person(client, BUILT.replace("{reader}", roles[0]).encode())
    kept = sorted(str(row) for row in as_a_person(client, KEPT))

    with Reader(postgres_database) as reader:
        for generation, names in enumerate(("abc", "bcd", "cd"), 2):
            notes += truncate(generation, *names)

    as_a_person(client, "REFRESH MATERIALIZED VIEW reports.monthly")
    assert sorted(str(row) for row in as_a_person(client, KEPT)) == kept
    assert as_a_person(client, "TABLE reports.daily").fetchall() == [(2, "d")]
    assert as_a_person(client, "TABLE reports.monthly").fetchall() == [(2,)]
    assert as_a_person(client, "SELECT user_id FROM orders ORDER BY 1").fetchall() == [(1,), (2,)]
    assert set(as_a_person(client, "TABLE seen").fetchall()) == {("INSERT",), ("UPDATE",), ("DELETE",)}
    assert [sight for sight in reader.seen if sight not in map(list, ("xy", "abc", "bcd", "cd"))] == []
    assert notes[0] == "there was no table"
    assert [note.partition(":")[0] for note in notes[1:]] == ["inside the table"] * 3
    assert warehouse.left_behind() == {"public.orders", "public.names", "public.seen"}


@pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
def test_a_view_stays_while_columns_come_and_go(
    strategy: Strategy, warehouse: Warehouse, client: PostgresClient
) -> None:
    for generation, fields in enumerate(
        ({"id": INTEGER, "old": STRING, "n": INTEGER}, {"id": INTEGER, "n": STRING, "new": STRING}), 1
    ):
        values: dict[str, Any] = dict.fromkeys(fields, "1") | {"id": generation}
        values |= {"n": 1} if fields["n"] is INTEGER else {}
        users = stream("users", strategy, fields, generation=generation)
        outcome = warehouse.sync(catalog(users), record("users", **values), complete("users"))
        assert outcome.errors == []
        as_a_person(client, "CREATE OR REPLACE VIEW daily AS SELECT id FROM users")

    assert as_a_person(client, "TABLE daily").fetchall() == [(2,)]
    assert warehouse.data() == [{"id": 2, "n": "1", "new": "1"}]


# -- foreign keys

ORDERS = """
    ALTER TABLE users ADD CONSTRAINT pk PRIMARY KEY (id);
    CREATE TABLE orders (user_id bigint CONSTRAINT of_user REFERENCES users ON DELETE {action})"""
REPLACE = {
    "swap": lambda client: client.overwrite_table(TEMP, FINAL),
    "merge": lambda client: client.merge_table(TEMP, FINAL, recipe(NAMED, ["id"])),
}


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "RESTRICT", "NO ACTION"])
@pytest.mark.parametrize("replace", REPLACE)
def test_a_row_that_stays_is_not_gone_for_a_moment(
    replace: str, action: str, connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, FINAL, {1: "a", 2: "b"})
    as_a_person(client, ORDERS.replace("{action}", action).encode())
    as_a_person(client, "INSERT INTO orders VALUES (1), (2)")
    named(connector, client, TEMP, {2: "B", 1: "A", 3: "C"}, first=10)

    with client.transaction():
        REPLACE[replace](client)

    assert as_a_person(client, "SELECT * FROM orders ORDER BY 1").fetchall() == [(1,), (2,)]
    assert as_a_person(client, "SELECT id, name FROM users ORDER BY 1").fetchall() == [
        (1, "A"),
        (2, "B"),
        (3, "C"),
    ]


def test_a_row_that_goes_takes_along_what_its_foreign_key_says(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, FINAL, {1: "a", 2: "b"})
    as_a_person(client, ORDERS.replace("{action}", "CASCADE").encode())
    as_a_person(client, "INSERT INTO orders VALUES (1), (2)")
    named(connector, client, TEMP, {2: "B"}, first=10)

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)

    assert as_a_person(client, "TABLE orders").fetchall() == [(2,)]


def test_a_row_that_must_not_go_ends_the_sync_with_the_foreign_keys_name(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, FINAL, {1: "a", 2: "b"})
    as_a_person(client, ORDERS.replace("{action}", "NO ACTION").encode())
    as_a_person(client, "INSERT INTO orders VALUES (1), (2)")
    named(connector, client, TEMP, {2: "B"}, first=10)

    with pytest.raises(psycopg.Error) as caught, client.transaction():
        client.overwrite_table(TEMP, FINAL)

    told = connector.explain(caught.value)
    assert isinstance(told, ConfigError)
    assert 'foreign key constraint "of_user" on table "orders"' in told.message
    assert ids(client) == [1, 2]


def test_two_rows_of_a_key_that_must_be_one_are_refused_and_none_is_lost(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, FINAL, {1: "a"})
    as_a_person(client, ORDERS.replace("{action}", "NO ACTION").encode())
    named(connector, client, TEMP, {1: "b"}, first=10)
    named(connector, client, TEMP, {1: "c"}, first=11)

    with pytest.raises(psycopg.Error) as caught, client.transaction():
        client.overwrite_table(TEMP, FINAL)

    assert 'unique constraint "pk"' in connector.explain(caught.value).message


def test_foreign_keys_that_act_on_different_keys_are_refused_and_no_row_is_touched(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, FINAL, {1: "a", 2: "b"})
    as_a_person(client, "ALTER TABLE users ADD UNIQUE (id), ADD UNIQUE (name)")
    as_a_person(client, "CREATE TABLE by_id (id bigint REFERENCES users (id) ON DELETE CASCADE)")
    as_a_person(client, "CREATE TABLE by_name (name varchar REFERENCES users (name) ON DELETE SET NULL)")
    as_a_person(client, "INSERT INTO by_name VALUES ('a')")
    named(connector, client, TEMP, {7: "a", 2: "b"}, first=10)

    with pytest.raises(ConfigError) as caught, client.transaction():
        client.overwrite_table(TEMP, FINAL)

    assert (
        "public.by_id: FOREIGN KEY (id) REFERENCES public.users(id) ON DELETE CASCADE; public.by_name: "
        in caught.value.message
    )
    assert as_a_person(client, "TABLE by_name").fetchall() == [("a",)]
    assert ids(client) == [1, 2]


def test_rows_may_lead_to_each_other_where_the_foreign_key_can_wait(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    people = (*ID, column("boss", Kind.INTEGER))
    fill(connector, client, FINAL, people, [{"id": 1, "boss": None}, {"id": 2, "boss": 1}])
    as_a_person(
        client, "ALTER TABLE users ADD PRIMARY KEY (id), ADD FOREIGN KEY (boss) REFERENCES users DEFERRABLE"
    )
    new: list[dict[str, Any]] = [
        {"id": 2, "boss": 3, RAW: raw_id(10).bytes},
        {"id": 3, "boss": None, RAW: raw_id(11).bytes},
    ]
    fill(connector, client, TEMP, people, new)

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)

    assert as_a_person(client, "SELECT id, boss FROM users ORDER BY 1").fetchall() == [
        (2, 3),
        (3, None),
    ]


RAW = "_airbyte_raw_id"


# -- tables that inherit, and partitions


@pytest.mark.parametrize("orders", ["", ORDERS.replace("{action}", "CASCADE")], ids=["alone", "referenced"])
@pytest.mark.parametrize("replace", REPLACE)
def test_the_rows_of_a_table_that_inherits_are_left_alone(
    replace: str, orders: str, connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, FINAL, {1: "a", 2: "b"})
    as_a_person(client, "CREATE TABLE archive () INHERITS (users)")
    as_a_person(client, "INSERT INTO archive SELECT * FROM ONLY users")
    as_a_person(client, orders.encode())
    named(connector, client, TEMP, {2: "B"}, first=10)

    with client.transaction():
        REPLACE[replace](client)

    own = as_a_person(client, "SELECT id, name FROM ONLY users ORDER BY 1").fetchall()
    assert as_a_person(client, "SELECT id, name FROM archive").fetchall() == [(1, "a"), (2, "b")]
    assert own == ([(2, "B")] if replace == "swap" else [(1, "a"), (2, "B")])


def test_a_value_that_a_table_that_inherits_loses_is_noted_there(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, FINAL, {1: "a"})
    as_a_person(client, "CREATE TABLE archive () INHERITS (users)")
    as_a_person(client, "INSERT INTO archive SELECT * FROM ONLY users")
    fill(connector, client, TEMP, [*ID, column("name", Kind.INTEGER)], [{"id": 1, "name": 5}])

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)

    lost = as_a_person(client, "SELECT name, _airbyte_meta -> 'changes' -> 0 ->> 'field' FROM archive")
    assert lost.fetchall() == [(None, "name")]


@pytest.mark.parametrize("orders", ["", ORDERS.replace("{action}", "CASCADE")], ids=["alone", "referenced"])
@pytest.mark.parametrize("replace", REPLACE)
def test_the_rows_of_a_partitioned_table_are_those_of_its_partitions(
    replace: str, orders: str, connector: PostgresConnector, client: PostgresClient
) -> None:
    named(connector, client, TEMP, {2: "B", 3: "C"}, first=10)
    as_a_person(client, f'CREATE TABLE users (LIKE "{TEMP.name}") PARTITION BY RANGE (id)'.encode())
    as_a_person(client, "CREATE TABLE low PARTITION OF users FOR VALUES FROM (0) TO (2)")
    as_a_person(client, "CREATE TABLE high PARTITION OF users FOR VALUES FROM (2) TO (9)")
    named(connector, client, FINAL, {1: "a", 2: "b"})
    as_a_person(client, orders.encode())

    with client.transaction():
        REPLACE[replace](client)

    found = as_a_person(client, "SELECT id, name FROM users ORDER BY 1").fetchall()
    assert found == [*([(1, "a")] if replace == "merge" else []), (2, "B"), (3, "C")]


# -- what is refused, and what is asked for


def test_a_type_that_a_view_does_not_let_change_is_an_error_that_names_it(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, ID, [{"id": 1}])
    as_a_person(client, "CREATE VIEW seen AS SELECT id FROM users")
    fill(connector, client, TEMP, [column("id", Kind.STRING)], [{"id": "2"}])

    with (
        pytest.raises(ConfigError, match=r"view public.seen depends on column.*Drop these objects"),
        client.transaction(),
    ):
        client.overwrite_table(TEMP, FINAL)

    assert as_a_person(client, "TABLE seen").fetchall() == [(1,)]


def test_drop_cascade_replaces_the_table_and_what_depends_on_it_is_gone(connect: Connect) -> None:
    connector = connect(drop_cascade=True)
    client = connector.client()
    fill(connector, client, FINAL, ID, [{"id": 1}])
    as_a_person(client, "CREATE VIEW seen AS SELECT id FROM users")
    as_a_person(client, "COMMENT ON TABLE users IS 'kept'")
    fill(connector, client, TEMP, ID, [{"id": 2}])

    with client.transaction():
        note = client.overwrite_table(TEMP, FINAL)

    left = as_a_person(client, "SELECT to_regclass('seen'), obj_description('users'::regclass)").fetchone()
    assert note == "by rename, dropping view public.seen as drop_cascade asks"
    assert left == (None, "kept")
    assert ids(client) == [2]
    client.close()


def test_drop_cascade_shows_a_reader_no_row_that_a_policy_hid(connect: Connect, roles: Sequence[str]) -> None:
    connector = connect(drop_cascade=True)
    client = connector.client()
    named(connector, client, FINAL, {1: "a", 2: "b"})
    as_a_person(client, f"GRANT SELECT ON users TO {roles[0]}".encode())
    as_a_person(client, "CREATE POLICY few ON users FOR SELECT USING (id = 1)")
    as_a_person(client, "ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    named(connector, client, TEMP, {1: "A", 2: "B"}, first=10)

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)

    as_a_person(client, f"SET ROLE {roles[0]}".encode())
    assert as_a_person(client, "SELECT name FROM users").fetchall() == [("A",)]
    client.close()


def test_drop_cascade_leaves_another_tables_policy_that_looks_into_this_one(connect: Connect) -> None:
    connector = connect(drop_cascade=True)
    client = connector.client()
    named(connector, client, FINAL, {1: "a"})
    as_a_person(client, "CREATE TABLE orders (user_id bigint)")
    as_a_person(client, "CREATE POLICY p ON orders USING (user_id IN (SELECT id FROM users))")
    named(connector, client, TEMP, {1: "A"}, first=10)

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)

    assert as_a_person(client, "SELECT tablename FROM pg_policies").fetchall() == [("orders",)]
    client.close()


@pytest.mark.parametrize("replace", REPLACE)
@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        ("CREATE POLICY few ON users USING (id > 1)", True),
        ("CREATE POLICY none ON users FOR INSERT WITH CHECK (true)", True),
        ("CREATE POLICY all_of_them ON users FOR SELECT USING (true)", True),
        (
            "CREATE POLICY a ON users USING (true); CREATE POLICY b ON users AS RESTRICTIVE USING (id > 1)",
            True,
        ),
        ("CREATE POLICY whole ON users USING (true)", False),
        ("CREATE POLICY whole ON users USING (true) WITH CHECK (true)", False),
    ],
)
def test_rows_that_a_policy_hides_from_us_are_not_taken_for_none(
    policy: str, refused: bool, replace: str, connect: Connect, client: PostgresClient, roles: Sequence[str]
) -> None:
    loader, _ = roles
    as_a_person(client, f"GRANT ALL ON SCHEMA public TO {loader}".encode())
    to = connect(username=loader)
    theirs = to.client()
    named(to, theirs, FINAL, {1: "a", 2: "b"})
    as_a_person(theirs, f"{policy}; ALTER TABLE users ENABLE ROW LEVEL SECURITY".encode())
    as_a_person(theirs, "ALTER TABLE users FORCE ROW LEVEL SECURITY")
    named(to, theirs, TEMP, {2: "B"}, first=10)

    failure = None
    try:
        with theirs.transaction():
            REPLACE[replace](theirs)
    except ConfigError as error:
        failure = error

    assert (failure is not None) is refused
    assert ids(client) == ([1, 2] if refused or replace == "merge" else [2])
    theirs.close()


def test_a_table_whose_rows_are_all_hidden_from_us_is_not_empty(
    connect: Connect, client: PostgresClient, roles: Sequence[str]
) -> None:
    """A temp table that looked empty would be dropped, with rows that were acknowledged."""
    loader, _ = roles
    as_a_person(client, f"GRANT ALL ON SCHEMA public TO {loader}".encode())
    to = connect(username=loader)
    theirs = to.client()
    named(to, theirs, TEMP, {1: "a"})
    hide_all(theirs, TEMP)

    with pytest.raises(ConfigError, match="Row security on"), theirs.transaction():
        theirs.table_is_empty(TEMP)

    theirs.close()


def test_a_value_is_not_lost_without_a_note_in_a_row_that_is_hidden_from_us(
    connect: Connect, client: PostgresClient, roles: Sequence[str]
) -> None:
    loader, _ = roles
    as_a_person(client, f"GRANT ALL ON SCHEMA public TO {loader}".encode())
    to = connect(username=loader)
    theirs = to.client()
    named(to, theirs, FINAL, {1: "a"})
    hide_all(theirs, FINAL)
    change = ColumnTypeChange(ColumnType("character varying"), ColumnType("bigint"))

    with pytest.raises(ConfigError, match="Row security on"), theirs.transaction():
        theirs.apply_changeset(FINAL, ColumnChangeset(change={"name": change}))

    assert texts(client, FINAL, "name") == ["a"]
    theirs.close()


def hide_all(client: PostgresClient, table: TableName) -> None:
    """Let nobody but who may pass over row security see any row."""
    statement = f'ALTER TABLE "{table.name}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'
    as_a_person(client, statement.encode())


def test_the_index_on_the_key_stays_one_through_swaps_inside_the_table(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    by = recipe(ID, ["id"])
    seen = []
    for number in range(3):
        fill(connector, client, TEMP, ID, [{"id": number}])
        with client.transaction():
            client.dedupe_table(TEMP, by)
            client.overwrite_table(TEMP, FINAL)
        as_a_person(client, "CREATE OR REPLACE VIEW seen AS SELECT id FROM users")
        seen.append(index_names(client, FINAL))

    assert seen == [seen[0]] * 3
    assert len(seen[0]) == 1
    assert ids(client) == [2]


def named(
    connector: PostgresConnector,
    client: PostgresClient,
    table: TableName,
    names: Mapping[int, str],
    first: int = 1,
) -> None:
    rows = [{"id": i, "name": n, RAW: raw_id(r).bytes} for r, (i, n) in enumerate(names.items(), first)]
    fill(connector, client, table, NAMED, rows)


def ids(client: PostgresClient) -> list[int]:
    return [row[0] for row in as_a_person(client, "SELECT id FROM users ORDER BY 1")]
