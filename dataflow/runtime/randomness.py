"""The home of randomness. Everything random in the engine is made of the bytes that are handed out here."""

import os
from typing import Protocol

from attrs import frozen


class Randomness(Protocol):
    """Hands out random bytes. Safe to use from several threads."""

    def take(self, count: int) -> bytes:
        """The next `count` random bytes."""
        ...


@frozen
class SystemRandomness:
    """The system's source of random bytes, which nobody can predict."""

    def take(self, count: int) -> bytes:
        """The next `count` random bytes."""
        return os.urandom(count)


def token(randomness: Randomness, digits: int) -> str:
    """A random text of this even number of hexadecimal digits, for names that must not be used already."""
    return randomness.take(digits // 2).hex()


def fraction(randomness: Randomness) -> float:
    """A random number from 0 up to and without 1."""
    # As many bits as a float has.
    return (int.from_bytes(randomness.take(7)) >> 3) / (1 << 53)
