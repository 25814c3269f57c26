"""The PEM texts of the SSL mode as files, since libpq takes no texts."""

from contextlib import ExitStack
from pathlib import Path

from connectors.postgres.config import CERTIFICATES, PostgresConfig
from connectors.sql.pem_files import pem_files


def certificates(config: PostgresConfig, closing: ExitStack) -> dict[str, Path]:
    """The files, by the fields of the SSL mode, until closing."""
    given = {name: getattr(config.ssl_mode, name, None) for name in CERTIFICATES if config.ssl}
    return pem_files({name: text for name, text in given.items() if text}, closing)
