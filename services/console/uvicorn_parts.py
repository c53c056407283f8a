"""The parts of uvicorn that serve, without its command line.

Its package loads that first, and with it click and multiprocessing: 1.3 MiB, and not a line of it is used here.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec

if "uvicorn" not in sys.modules and (_found := find_spec("uvicorn")) is not None:
    sys.modules["uvicorn"] = module_from_spec(_found)  # a package of which only what follows here has run

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server as Uvicorn

vars(sys.modules["uvicorn"])["Config"] = Config  # the next one takes it from there
import_module("uvicorn.lifespan.off")  # imported by name as it starts; here, what it costs is shared

__all__ = ["Config", "H11Protocol", "Uvicorn"]
