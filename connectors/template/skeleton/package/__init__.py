"""The Skeleton destination. Its parts meet in `connector`.

What only a sync needs, the driver above all, is imported when one is made: `spec` answers without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from connectors.template.skeleton.package.connector import SkeletonConnector
    from dataflow.runtime import Runtime


class SkeletonDefinition:
    """The destination before it is configured."""

    name: ClassVar[str] = "skeleton"
    # The version of the contract that this connector keeps.
    contract: ClassVar[int] = 3

    def spec(self) -> Mapping[str, Any]:
        from connectors.template.skeleton.package.config import spec

        return spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: "Runtime") -> "SkeletonConnector":
        from connectors.template.skeleton.package.config import configure
        from connectors.template.skeleton.package.connector import SkeletonConnector

        return SkeletonConnector(configure(options), runtime)


DEFINITION = SkeletonDefinition()
