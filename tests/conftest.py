"""Fixtures for all tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support import Processes

# How long an example takes says more about the machine than about us; what must be fast is shown in benchmarks/.
settings.register_profile("metergate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("metergate")


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A short folder for sockets: pytest's own temporary paths may not fit into a socket's address."""
    folder = Path(tempfile.mkdtemp(prefix="mg-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Starts programs; whatever they do, they end with the test."""
    started = Processes()
    yield started
    started.end()


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """What a command configures in this process is not for the next test."""
    yield
    structlog.reset_defaults()
