"""PEM texts as files, for libraries that take no texts.

On Linux they are files in memory, which have no name but that of our own descriptor: they never reach a disk, and are
gone with the process, however it ends. Other systems have no such files. There they are written to a folder that only
we can read, and a process that is killed leaves that folder behind.
"""

import os
import tempfile  # noqa: TID251 - a file of its own
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

# The descriptors of this process as files.
DESCRIPTORS = Path("/proc/self/fd")


def pem_files(texts: Mapping[str, str], closing: ExitStack) -> dict[str, Path]:
    """The files by the names of the texts, until closing."""
    if not texts:
        return {}
    if hasattr(os, "memfd_create") and DESCRIPTORS.exists():
        return {name: _in_memory(name, text, closing) for name, text in texts.items()}
    return _in_a_folder(texts, closing)


def _in_memory(name: str, text: str, closing: ExitStack) -> Path:
    descriptor = os.memfd_create(name)
    closing.callback(os.close, descriptor)
    # libraries refuse a key that others might read.
    os.fchmod(descriptor, 0o600)
    content = memoryview(text.encode())
    while content:
        content = content[os.write(descriptor, content) :]
    return DESCRIPTORS / str(descriptor)


def _in_a_folder(texts: Mapping[str, str], closing: ExitStack) -> dict[str, Path]:
    folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="dataflow-tls-")))
    for name, text in texts.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    return {name: folder / name for name in texts}
