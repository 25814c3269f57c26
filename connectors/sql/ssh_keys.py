"""Reads the keys that an SSH tunnel needs, and says what is wrong with one. Connects nowhere."""

from collections.abc import Iterator
from itertools import pairwise

import asyncssh  # noqa: TID251 - reads keys


def key_complaints(text: str) -> Iterator[str]:
    """What is wrong with a private key."""
    try:
        asyncssh.import_private_key(text)
    except asyncssh.KeyImportError as error:
        encrypted = "passphrase" in str(error).lower()
        yield (
            "must be without a passphrase"
            if encrypted
            else "must be a private key, in the format of OpenSSH or as PEM"
        )


def host_key_complaints(text: str) -> Iterator[str]:
    """What is wrong with a host key."""
    try:
        usable = bool(host_keys(text))
    except asyncssh.KeyImportError:
        usable = False
    if not usable:
        yield "must be a public key, as ssh-keyscan prints it"


def host_keys(text: str) -> list[asyncssh.SSHKey]:
    """The keys of lines such as `ssh-ed25519 AAAA...`; a host's name may stand before, and a comment behind."""
    lines = (line.split() for line in text.splitlines())
    # What is encoded begins with the length of the algorithm's name: three bytes of zeros at least.
    return [
        asyncssh.import_public_key(f"{algorithm} {key}")
        for words in lines
        for algorithm, key in pairwise(words)
        if key.startswith("AAAA")
    ]
