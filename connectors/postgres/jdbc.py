"""Connection parameters as they stand in `jdbc_url_params`, by libpq's names. Pure; knows what may not be set there."""

import re
from collections.abc import Iterator, Mapping

from connectors.sql.server_options import url_pairs

# pgjdbc's names and values of what libpq knows by others.
_NAMES = {
    "ApplicationName": "application_name",
    "connectTimeout": "connect_timeout",
    "loginTimeout": "connect_timeout",
    "gssEncMode": "gssencmode",
    "targetServerType": "target_session_attrs",
    "tcpKeepAlive": "keepalives",
}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "keepalives": {"true": "1", "false": "0"},
    "target_session_attrs": {"primary": "read-write", "master": "read-write"},
}
# What has an option of its own, and which.
_OWN = {
    "host": "use host",
    "hostaddr": "use host",
    "port": "use port",
    "dbname": "use database",
    "user": "use username",
    "password": "use password",
    "sslpassword": "use ssl_mode.client_key_password",
    "client_encoding": "it is always utf8",
}
# What is a number: of seconds, of milliseconds, of times, or 0 and 1.
_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)


def url_parameters(text: str) -> dict[str, str]:
    """The parameters by libpq's names. Only for a text of which `url_complaints` has none."""
    return {key: _VALUES.get(key, {}).get(value, value) for key, value in _pairs(text)}


def url_complaints(text: str) -> Iterator[str]:
    """What is wrong with a text of parameters; names them and shows no value."""
    try:
        given = url_parameters(text)
    except ValueError:
        yield "must be of the form key=value&key=value"
        return
    # `spec` needs no driver.
    from psycopg.pq import Conninfo

    known = {each.keyword.decode() for each in Conninfo.get_defaults()}
    for key, value in given.items():
        if key in _OWN:
            yield f"{key} cannot be set here: {_OWN[key]}"
        elif key not in known:
            yield f"{key} is not a connection parameter of libpq"
        elif key in _NUMBERS and not re.fullmatch("-?[0-9]{1,9}", value):
            yield f"{key} must be a whole number"


def _pairs(text: str) -> list[tuple[str, str]]:
    """The names that libpq has, and the values as they were given. ValueError for what has not the form."""
    return [(_NAMES.get(key, key), value) for key, value in url_pairs(text)]
