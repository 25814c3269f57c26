"""What a load is asked for where that is not said: its mode and its table's name. Reads no file."""

from collections.abc import Sequence

from connectors.engine.process.load import DOING, Mode
from dataflow.errors import ConfigError
from dataflow.files.listing import InputFile


def mode_of(given: str | None, key: Sequence[str]) -> Mode:
    """The mode of this name; None: to merge, if there is a key. Raises ConfigError for any other, and without both."""
    name = given or (Mode.APPEND_DEDUP if key else None)
    if name is None:
        raise ConfigError(
            "A load needs to know what becomes of the rows that the table has.",
            doing=DOING,
            remedy="Give --key FIELD,... to merge the rows into it, --mode append to add them, or --mode overwrite to "
            "replace what is there.",
        )
    if name not in list(Mode):
        raise ConfigError(
            f"A load does not have the mode {name!r}.",
            doing=DOING,
            remedy=f"Choose among {', '.join(Mode)}.",
        )
    return Mode(name)


def table_of(files: Sequence[InputFile], given: str | None) -> str:
    """The name of the table; None: that of the file. Raises ConfigError where there are several."""
    if given is None and len(files) > 1:
        raise ConfigError(
            "The table of several files needs a name.",
            doing=DOING,
            remedy="Give it with --stream.",
        )
    return given or files[0].name.split(".")[0]
