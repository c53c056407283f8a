"""Fixtures for the bus."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.shared.bus.town import Tell, tell_in


@pytest.fixture
def tell(run_dir: Path) -> Tell:
    """Runs a story on an event loop of its own."""
    return tell_in(run_dir)


@pytest.fixture
def log() -> Iterator[list[Any]]:
    """Lines that were logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines
