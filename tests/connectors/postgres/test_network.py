"""What is said of a connection's line without a network in between."""

import socket

from connectors.postgres.network import Line


def test_a_line_of_which_the_kernel_says_nothing_is_closed_and_not_dark() -> None:
    """Else the watch would end, and with it that of all other lines."""
    near, far = socket.socketpair(socket.AF_UNIX)
    with near, far:
        line = Line(near.fileno())

        dark = line.dark_for(0.0, 0.0)

        assert not dark
        assert line.closed
