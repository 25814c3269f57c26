"""Opens a destination for the commands around a sync, by its name and the path of its configuration. Runs nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from attrs import frozen

from connectors.contract import Connector
from connectors.drivers import connector_of
from connectors.masking import Mask, mask_of
from connectors.options import Options, read_options
from connectors.registry import find
from connectors.runner import read_configuration, read_file
from dataflow.catalog import DestinationStream, read_catalog


@frozen
class Configured:
    """A destination with its configuration."""

    name: str
    connector: Connector
    options: Options


@contextmanager
def configured(
    name: str, config: Path, run: str, keep_secret: Callable[[Mask], None]
) -> Iterator[Configured]:
    """The destination of this name, for a process called `run`. ConfigError when it cannot be had like this.

    `keep_secret` is told what must not be shown, before anything else is done with the configuration.
    """
    definition = find(name).definition()
    configuration = read_configuration(config)
    keep_secret(mask_of(definition.spec(), configuration))
    options = read_options(configuration)
    with closing(connector_of(definition, configuration, run)) as connector:
        yield Configured(name, connector, options)


def streams_of(catalog: Path) -> tuple[DestinationStream, ...]:
    """The streams of the configured catalog in a file."""
    return read_catalog(read_file(catalog, "catalog"))
