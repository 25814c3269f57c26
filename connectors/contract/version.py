"""The number of the contract, which a connector states and the engine compares. Compares nothing itself."""

from typing import Final

# Rises with every change after which a connector that was written before may not work, or may work differently.
CONTRACT: Final = 3
