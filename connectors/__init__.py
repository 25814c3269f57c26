"""The databases, what a connector author writes, and the engine that runs it.

An import stops with a sentence when a folder of the user's hides one of our other packages.
"""

from connectors.launcher import hidden
from connectors.moved import announce_moves

if sentence := hidden("machines", "dataflow"):
    raise ImportError(sentence, name=__name__)
announce_moves()
