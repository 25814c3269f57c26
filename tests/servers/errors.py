"""The two ways in which a test's server can let us down. Neither is ever a reason to skip a test."""


class Unavailable(Exception):
    """This way to a PostgreSQL server does not exist here; its text says why, and what would help."""


class ServerFailed(Exception):
    """A server of ours did not start or stop as it should; its text holds the end of the server's log."""
