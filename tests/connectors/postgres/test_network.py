"""What is concluded from the kernel's account of a connection, without a network in between."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from attrs import evolve

from connectors.postgres.network import REPEATS, Account, Judgement, Line, Look, Network, Peer, verdict
from dataflow.runtime import SYSTEM

SILENT = 60.0
HERE, THERE = ("192.0.2.1", 5432), ("192.0.2.2", 5432)
# The account of a connection that was silent for longer than it may be, as its last answer left it.
STILL = Account(waiting=True, silent=SILENT + 1, heard=10, repeated=7, probes=0)
REPEATED = evolve(STILL, repeated=STILL.repeated + REPEATS)


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    """The accounts of three connections that are open."""
    with ExitStack() as opened, socket.create_server(("127.0.0.1", 0)) as server:
        made = []
        for _ in range(3):
            near = opened.enter_context(socket.create_connection(server.getsockname()))
            opened.enter_context(server.accept()[0])
            made.append(Line(near.fileno(), SYSTEM.threads))
            opened.callback(made[-1].close)
        yield made


class Asked:
    """What a network asks its peers, and an answer for each."""

    def __init__(self, *, answer: bool) -> None:
        self.answer = answer
        self.peers: list[Peer] = []

    def __call__(self, peer: Peer, patience: float) -> bool:
        self.peers.append(peer)
        return self.answer


def is_cut(line: Line) -> bool:
    """Whether the connection was shut at this end: it reads an end that the other side did not send."""
    try:
        return line._socket.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


def test_a_line_of_which_the_kernel_says_nothing_is_closed_and_not_dark() -> None:
    """Else the watch would end, and with it that of all other lines."""
    near, far = socket.socketpair(socket.AF_UNIX)
    with near, far:
        line = Line(near.fileno(), SYSTEM.threads)

        look = line.look()

        assert look is None
        assert line.closed


@pytest.mark.parametrize(
    ("account", "judgement"),
    [
        (STILL, Judgement.DOUBTFUL),
        (REPEATED, Judgement.DARK),
        (evolve(STILL, probes=REPEATS), Judgement.DARK),
        (evolve(STILL, repeated=STILL.repeated + REPEATS - 1), Judgement.DOUBTFUL),
        (evolve(STILL, repeated=STILL.repeated + REPEATS - 1, probes=1), Judgement.DARK),
        (evolve(REPEATED, waiting=False), Judgement.ANSWERED),
        (evolve(REPEATED, silent=SILENT - 1), Judgement.ANSWERED),
    ],
)
def test_a_line_is_dark_when_enough_was_repeated_since_its_last_answer(
    account: Account, judgement: Judgement
) -> None:
    assert Look(account, STILL, HERE).judgement(SILENT) is judgement


def test_an_answer_is_a_segment_that_came_whatever_the_clocks_say(lines: list[Line]) -> None:
    """A busy machine reads the time late. That must not forget what was repeated."""
    line = lines[0]
    first = line.look()
    assert first is not None

    later = line.look()

    assert later is not None
    assert later.answered is first.answered
    assert later.account is not first.account


def test_a_segment_that_came_is_an_answer() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as near,
    ):
        far, _ = server.accept()
        line = Line(near.fileno(), SYSTEM.threads)
        with far:
            first = line.look()
            far.send(b"x")
            near.recv(1)

            later = line.look()

        line.close()
        assert first is not None
        assert later is not None
        assert later.answered is later.account
        assert later.answered.heard > first.answered.heard


def test_a_peer_is_asked_for_all_of_its_doubtful_lines_together(lines: list[Line]) -> None:
    one, two, other = lines
    looks = {one: Look(STILL, STILL, HERE), two: Look(STILL, STILL, HERE), other: Look(STILL, STILL, THERE)}

    found = verdict(looks, [], SILENT)

    assert found.dark == []
    assert found.doubtful == {HERE: [one, two], THERE: [other]}


def test_a_peer_that_answered_lately_is_not_asked_again(lines: list[Line]) -> None:
    one, two, dark = lines
    looks = {one: Look(STILL, STILL, HERE), two: Look(STILL, STILL, THERE), dark: Look(REPEATED, STILL, HERE)}

    found = verdict(looks, [HERE], SILENT)

    assert found.dark == [dark]
    assert found.doubtful == {THERE: [two]}


def test_doubtful_lines_of_a_peer_that_does_not_answer_are_cut_after_one_question(lines: list[Line]) -> None:
    one, two, other = lines
    asked = Asked(answer=False)
    network = Network(SYSTEM, ask=asked)
    answered = evolve(STILL, silent=1.0)

    network._act(
        {one: Look(STILL, STILL, HERE), two: Look(STILL, STILL, HERE), other: Look(answered, STILL, HERE)}
    )

    assert asked.peers == [HERE]
    assert network.dark
    assert is_cut(one)
    assert is_cut(two)
    assert not is_cut(other)


def test_doubtful_lines_of_a_peer_that_answers_are_left_alone_and_it_is_asked_once(lines: list[Line]) -> None:
    asked = Asked(answer=True)
    network = Network(SYSTEM, ask=asked)
    looks = {line: Look(STILL, STILL, HERE) for line in lines}

    network._act(looks)
    network._act(looks)

    assert asked.peers == [HERE]
    assert not network.dark
    assert not any(map(is_cut, lines))


def test_a_dark_line_is_cut_before_any_peer_is_asked(lines: list[Line]) -> None:
    dark, doubtful, _ = lines
    network = Network(SYSTEM, ask=lambda _peer, _patience: is_cut(dark))

    network._act({doubtful: Look(STILL, STILL, HERE), dark: Look(REPEATED, STILL, HERE)})

    assert is_cut(dark)
    assert not is_cut(doubtful)
