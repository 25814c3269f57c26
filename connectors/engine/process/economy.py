"""How a process that moves rows spares itself work that Python and its libraries would do for other programs."""

import gc
import os

# For libraries that read them when they are imported. There is no linear algebra, whose threads would spin at every
# start; and what Arrow frees shall be free for others.
FRUGAL = {"OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}


def make_libraries_frugal() -> None:
    """Choose the settings of libraries that are yet to be imported, here and in child processes."""
    for variable, value in FRUGAL.items():
        os.environ.setdefault(variable, value)


def collect_rarely() -> None:
    """Look for cycles rarely, from now on and not among what there is.

    A batch makes thousands of short-lived tuples and no cycles: looking for cycles cost a fifth of a sync's CPU.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    gc.enable()
