"""Makes a destination of its configuration, for every command: its own options and the shared ones in one reading.

Runs nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from connectors.contract.options import Options, with_options
from connectors.contract.specification import read, refusal
from connectors.engine.process.files import read_configuration, read_file
from connectors.engine.process.masking import Mask, mask_of
from connectors.engine.process.registry import connector_of
from dataflow.errors import ConfigError

if TYPE_CHECKING:
    from connectors.contract import Connector, Definition
    from dataflow.catalog import DestinationStream
    from dataflow.runtime import Runtime


@frozen
class Configured:
    """A destination with its configuration. The caller closes its connector.

    `ignored`: the keys of the configuration that are no options, in their order; within an object with its key.
    """

    name: str
    connector: "Connector"
    options: Options
    ignored: Sequence[str] = ()

    @property
    def warnings(self) -> Sequence[str]:
        """What a person may have meant otherwise, as sentences."""
        if not self.ignored:
            return ()
        keys = ", ".join(self.ignored)
        unknown = f"The configuration has keys that the destination {self.name} does not know: {keys}."
        return (f"{unknown} They have no effect; `spec` lists the options.",)


def configure(
    definition: "Definition", configuration: Mapping[str, Any], run: str, runtime: "Runtime"
) -> Configured:
    """The destination with this configuration, for a process called `run`. Opens no connection yet.

    Raises one ConfigError with every complaint about the configuration: the connector's, then those about shared
    options. An error of the connector that lists no complaints stands before them as it is.
    """
    shared = _shared(configuration)
    try:
        connector = connector_of(definition, configuration, run, runtime)
    except ConfigError as error:
        if isinstance(shared, Options):
            raise
        raise _together(error, shared) from error.__cause__
    if isinstance(shared, Options):
        return Configured(definition.name, connector, shared, _ignored(definition, configuration))
    connector.close()
    raise shared


def _ignored(definition: "Definition", configuration: Mapping[str, Any]) -> Sequence[str]:
    known = with_options(definition.spec())["connectionSpecification"]["properties"]
    return list(_unknown(known, configuration, ""))


def _unknown(known: Mapping[str, Any], given: Mapping[str, Any], path: str) -> Iterator[str]:
    """The keys that are no options, also within options that are objects; there by the choice that was made."""
    for key, value in given.items():
        if key not in known:
            yield path + key
        elif isinstance(value, Mapping) and (within := _within(known[key], value)):
            yield from _unknown(within, value, f"{path}{key}.")


def _within(schema: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options within an object; none where its schema does not say which there are."""
    chosen = [each["properties"] for each in schema.get("oneOf", (schema,)) if "properties" in each]
    if "oneOf" in schema:
        chosen = [each for each in chosen if _is_chosen(each, value)]
    return {name: option for each in chosen for name, option in each.items()}


def _is_chosen(properties: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    tags = {name: schema["const"] for name, schema in properties.items() if "const" in schema}
    return tags != {} and all(name in value and value[name] == tag for name, tag in tags.items())


def _shared(configuration: Mapping[str, Any]) -> Options | ConfigError:
    try:
        return read(Options, configuration)
    except ConfigError as error:
        return error


def _together(own: ConfigError, shared: ConfigError) -> ConfigError:
    if own.complaints:
        return refusal([*own.complaints, *shared.complaints])
    return evolve(
        own, message=f"{own.message} {shared.message}", remedy=f"{own.remedy} {shared.remedy}".strip()
    )


def configuration_in(config: str | Path, definition: "Definition") -> Mapping[str, Any]:
    """The configuration that --config gives: the path of a JSON file, or a URL. Raises ConfigError."""
    from connectors.engine.process.config_url import configuration_of, is_url

    if isinstance(config, str) and is_url(config, definition.name):
        return configuration_of(config, definition.name, with_options(definition.spec()))
    return read_configuration(Path(config))


@contextmanager
def configured(
    name: str, config: str | Path, run: str, runtime: "Runtime", keep_secret: Callable[[Mask], None]
) -> Iterator[Configured]:
    """The destination of this name, with the configuration in a file, or of a URL.

    Raises ConfigError as `configure` does.

    `keep_secret` is given what must not be shown, before anything else is done with the configuration.
    """
    from connectors.engine.process.registry import find

    definition = find(name).definition()
    configuration = configuration_in(config, definition)
    keep_secret(mask_of(definition.spec(), configuration))
    destination = configure(definition, configuration, run, runtime)
    with closing(destination.connector):
        yield destination


def mask_in(name: str, config: str | Path) -> Mask:
    """What must not be shown of the configuration in a file, or of a URL. Raises ConfigError when it cannot be read."""
    from connectors.engine.process.registry import find

    definition = find(name).definition()
    return mask_of(definition.spec(), configuration_in(config, definition))


def streams_of(catalog: Path) -> "tuple[DestinationStream, ...]":
    """The streams of the configured catalog in a file."""
    from dataflow.catalog import read_catalog

    return read_catalog(read_file(catalog, "catalog"))
