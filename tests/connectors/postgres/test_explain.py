"""What the server's errors mean: each to one of three, with words for a person and without secrets."""

import psycopg
import pyarrow as pa
import pytest
from psycopg import errors

from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.errors import ERRORS, explain
from connectors.postgres.sessions import refuse_old
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.types import Kind
from tests.connectors.postgres.support import FINAL, TEMP, as_a_person, column, fill

TRANSIENT = [
    "08000",
    "08006",
    "40001",
    "40P01",
    "40003",
    "53100",
    "53200",
    "53300",
    "55P03",
    "57P01",
    "57P02",
    "57P03",
    "25P03",
    "58030",
    "42P06",
]
CONFIG = [
    "28000",
    "28P01",
    "3D000",
    "3F000",
    "42501",
    "0A000",
    "2BP01",
    "42P01",
    "42P07",
    "42939",
    "54000",
    "54011",
    "55000",
    "57014",
    "25006",
    "22P05",
    "23502",
    "23503",
    "23505",
    "23514",
    "23P01",
    "P0001",
]
INTERNAL = ["22001", "22003", "22021", "22P02", "42601", "42703", "XX000"]


def explained(error: Exception) -> DataflowError:
    return explain(error, user="loader", database="warehouse")


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        *((state, TransientError) for state in TRANSIENT),
        *((state, ConfigError) for state in CONFIG),
        *((state, InternalError) for state in INTERNAL),
    ],
)
def test_an_sqlstate_means_one_kind_of_error(state: str, kind: type[DataflowError]) -> None:
    error = errors.lookup(state)("quoting: Ada, 1815")

    found = explained(error)

    assert type(found) is kind
    assert found.message
    assert found.remedy
    assert "Ada" not in str(found)


@pytest.mark.parametrize("meaning", ERRORS.values(), ids=list(ERRORS))
def test_a_meaning_is_a_beginning_of_a_sentence(meaning: DataflowError) -> None:
    assert meaning.message[0].isupper()
    assert not meaning.message.endswith(".")


USERS = (column("id", Kind.INTEGER), column("name", Kind.STRING))
TRIGGER = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no %'', NEW.name; END';
    CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()"""

PATHLESS = """
    CREATE TABLE audit (id bigint);
    CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END';
    CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION audit()"""
COLUMNLESS = PATHLESS.replace("audit VALUES", "public.audit (gone) VALUES")


@pytest.mark.parametrize(
    ("built", "words"),
    [
        ("ALTER TABLE users ADD PRIMARY KEY (id)", 'null value in column "id"'),
        ("ALTER TABLE users ALTER id SET NOT NULL", 'null value in column "id"'),
        (TRIGGER, "A user-defined trigger raised an error"),
        (COLUMNLESS, "uses a column that is not there"),
        (PATHLESS, 'relation "audit" does not exist'),
    ],
    ids=["primary key", "not null", "trigger", "trigger without a column", "trigger without schemas"],
)
def test_a_row_that_somebodys_constraint_or_trigger_refuses_is_theirs_to_fix_and_is_not_quoted(
    built: str, words: str, connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, USERS, [])
    fill(connector, client, TEMP, USERS, [{"id": None, "name": "Ada"}])
    as_a_person(client, built.encode())

    with pytest.raises(psycopg.Error) as caught, client.transaction():
        client.copy_table(TEMP, FINAL, USERS)

    found = connector.explain(caught.value)
    assert isinstance(found, ConfigError)
    assert words in found.message
    assert "Ada" not in str(found)


SKIPS = """
    CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER skipping BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION skip()"""


def test_a_trigger_that_keeps_rows_from_the_table_is_named(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    fill(connector, client, FINAL, USERS, [])
    as_a_person(client, SKIPS.encode())

    with pytest.raises(ConfigError, match="skipping"):
        fill(connector, client, FINAL, USERS, [{"id": 1, "name": "Ada"}])


CONNECT = 'connection failed: connection to server at "db.example" (10.0.0.1), port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ('FATAL:  password authentication failed for user "loader"', ConfigError, "username and password"),
        ("fe_sendauth: no password supplied", ConfigError, "username and password"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.2", user "loader"', ConfigError, "administrator"),
        ('FATAL:  database "warehouse" does not exist', ConfigError, "`database`"),
        ('FATAL:  role "loader" does not exist', ConfigError, "username"),
        (
            'FATAL:  pg_hba.conf rejects connection for host "10.0.0.2", no encryption',
            ConfigError,
            "ssl_mode",
        ),
        ("SSL error: unexpected eof while reading", TransientError, "Try again"),
        ("server does not support SSL, but SSL was required", ConfigError, "ssl_mode"),
        ("SSL error: certificate verify failed", ConfigError, "ssl_mode"),
        ('root certificate file "/x" does not exist', ConfigError, "ssl_mode"),
        ("Connection refused. Is the server running?", TransientError, "Try again"),
        ("FATAL:  sorry, too many clients already", TransientError, "Try again"),
        ("FATAL:  the database system is starting up", TransientError, "Try again"),
        ("SSL connection has been closed unexpectedly", TransientError, "Try again"),
        ("timeout expired", TransientError, "Try again"),
    ],
)
def test_a_failed_connect_is_understood_by_its_text(text: str, kind: type[DataflowError], words: str) -> None:
    found = explained(psycopg.OperationalError(CONNECT + text))

    assert type(found) is kind
    assert words in found.remedy
    assert text.rpartition(":")[2].strip().partition(".")[0] in found.message


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('failed to resolve host "nowhere.invalid": [Errno -2] Name or service not known', ConfigError),
        ("failed to resolve host: [Errno -3] Temporary failure in name resolution", TransientError),
        ("the connection is closed", TransientError),
        (
            "server closed the connection unexpectedly\n\tThis probably means the server terminated",
            TransientError,
        ),
        ("consuming input failed: SSL SYSCALL error: EOF detected", TransientError),
    ],
)
def test_a_lost_connection_is_transient_and_an_unknown_host_is_not(
    text: str, kind: type[DataflowError]
) -> None:
    assert type(explained(psycopg.OperationalError(text))) is kind


def test_an_error_that_is_explained_already_stays_as_it_is() -> None:
    error = ConfigError("as it is")

    assert explained(error) is error


@pytest.mark.parametrize("error", [ValueError("Ada, 1815"), pa.ArrowInvalid("Ada"), psycopg.DataError("Ada")])
def test_an_error_of_our_own_is_named_and_not_quoted(error: Exception) -> None:
    found = explained(error)

    assert isinstance(found, InternalError)
    assert type(error).__name__ in found.message
    assert found.remedy
    assert "Ada" not in str(found)


def test_a_refused_connection_names_the_options_and_leaves_out_what_libpq_guesses() -> None:
    text = (
        'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused\n'
        "\tIs the server running on that host and accepting TCP/IP connections?"
    )

    found = explained(psycopg.OperationalError(text))

    assert found.message == (
        'The connection to the server failed: connection to server at "127.0.0.1", port 1 failed: '
        "Connection refused."
    )
    assert "host and port" in found.remedy


def test_what_libpq_says_of_several_addresses_is_kept_apart() -> None:
    text = "connection failed: one: no encryption\nconnection failed: two: timeout expired\n"

    found = explained(psycopg.OperationalError(text))

    assert found.message == "The connection to the server failed: one: no encryption; two: timeout expired."


def test_a_connection_that_is_lost_names_no_option_that_would_not_help() -> None:
    text = (
        "consuming input failed: server closed the connection unexpectedly\n"
        "\tThis probably means the server terminated abnormally\n\tbefore or while processing the request."
    )

    found = explained(psycopg.OperationalError(text))

    assert str(found) == (
        "The connection to the server failed: server closed the connection unexpectedly. Try again."
    )


def test_a_role_that_may_only_read_is_not_sent_to_another_server(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    client.connection.open.execute("SET default_transaction_read_only = on")
    with pytest.raises(psycopg.Error) as caught, client.transaction():
        client.create_namespace("new")

    found = connector.explain(caught.value)

    assert isinstance(found, ConfigError)
    assert "default_transaction_read_only" in found.remedy


def test_a_server_that_is_too_old_is_refused_by_its_version() -> None:
    with pytest.raises(ConfigError, match=r"PostgreSQL 13\.22, and this destination needs 14") as refused:
        refuse_old(130022)

    refuse_old(140000)
    assert refused.value.remedy
