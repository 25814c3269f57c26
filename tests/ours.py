"""The destinations of this repository, by their entry points: another package's may be installed beside them."""

from connectors.engine.process.registry import registered

OURS = tuple(each.name for each in registered() if each.package == "dataflow-destinations")
