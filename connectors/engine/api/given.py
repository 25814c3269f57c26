"""What a program gives to a load: files that it names, or data that it has; and a destination's configuration."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from connectors.engine.process.files import read_schema
from connectors.engine.process.load import DOING, Mode
from connectors.engine.process.load_request import mode_of, table_of
from connectors.engine.process.open_destination import configuration_in
from dataflow.errors import ConfigError
from dataflow.files.inference import schema_of
from dataflow.files.listing import Format, InputFile, find
from dataflow.frames.looking import looked_at
from dataflow.frames.pieces import Piece
from dataflow.types import StreamName

if TYPE_CHECKING:
    from connectors.contract import Definition


class ArrowStream(Protocol):
    """What gives Arrow batches by the PyCapsule interface: tables, readers, frames of pandas, polars and duckdb."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Arrow's capsule."""
        ...


class ArrowArray(Protocol):
    """What gives one Arrow batch by the PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Arrow's capsules."""
        ...


File = str | os.PathLike[str]
Frame = ArrowStream | ArrowArray
Data = File | Frame | Iterable[File | Frame | Mapping[str, Any]]


@frozen(kw_only=True)
class Taken:
    """What is to be loaded: files, or pieces that can be read once. `remarks` are for a person, as sentences."""

    stream: StreamName
    schema: Mapping[str, Any]
    files: Sequence[InputFile] = ()
    pieces: Iterator[Piece] | None = None
    remarks: Sequence[str] = ()

    def mode(self, name: str | None, key: Sequence[str]) -> Mode:
        """The mode of this name. Raises ConfigError for one that these rows cannot be loaded in."""
        if self.pieces is not None and name == "append":
            raise ConfigError(
                "The data of a program cannot be loaded in the mode append: it has no name by which a load that is "
                "repeated would know it, so its rows could be added twice.",
                doing=DOING,
                remedy="Give a key to merge the rows by, or choose the mode overwrite.",
            )
        return mode_of(name, key)


def taken(
    data: Data,
    name: str | None,
    namespace: str | None,
    schema: Mapping[str, Any] | File | None,
    format_: str | None,
) -> Taken:
    """The data as a stream of this name, with this schema or the one that it is seen to have.

    A single file gives a stream its own name. Raises ConfigError for what is no data, and for a name that is missing.
    """
    declared = schema if schema is None or isinstance(schema, Mapping) else read_schema(Path(schema))
    if (paths := _paths(data)) is not None:
        files = find(paths, _format(format_))
        stream = StreamName(namespace or None, table_of(files, name))
        return Taken(
            stream=stream, schema=schema_of(files, stream) if declared is None else declared, files=files
        )
    if not name:
        raise ConfigError(
            "The table of a program's data needs a name.", doing=DOING, remedy="Give it as the stream."
        )
    seen = looked_at(data, declared)
    stream = StreamName(namespace or None, name)
    return Taken(stream=stream, schema=seen.schema, pieces=seen.pieces, remarks=seen.remarks)


def _paths(data: object) -> Sequence[str] | None:
    if isinstance(data, str | os.PathLike):
        return [os.fspath(data)]
    if isinstance(data, list | tuple) and data and all(isinstance(each, str | os.PathLike) for each in data):
        return [os.fspath(each) for each in data]
    return None


def _format(name: str | None) -> Format | None:
    if name is None:
        return None
    if name not in list(Format):
        raise ConfigError(
            f"Files of the format {name!r} cannot be loaded.",
            doing=DOING,
            remedy=f"Choose among {', '.join(Format)}.",
        )
    return Format(name)


def configuration(given: Mapping[str, Any] | File, definition: "Definition") -> Mapping[str, Any]:
    """The configuration itself, or that of a URL, or of a JSON file. Raises ConfigError for what is none."""
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, str | os.PathLike):
        raise ConfigError(
            f"The configuration is of the type {type(given).__name__}.",
            doing=DOING,
            remedy="Give a dict, the path of a JSON file, or a URL.",
        )
    return configuration_in(os.fspath(given), definition)
