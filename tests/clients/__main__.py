"""`python -m tests.clients`: make the environments these tests run in, before several processes ask for them."""

import sys
from functools import partial

from tests.environments import CLIENTS, SOURCES, CannotMake

if __name__ == "__main__":
    try:
        for environment in (CLIENTS, SOURCES):
            environment.make(partial(print, file=sys.stderr))
    except CannotMake as error:
        sys.exit(str(error))
