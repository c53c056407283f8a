"""Fixtures of the system tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    """As `run_dir`, for the tests of a file together: starting a whole gateway for each would take minutes."""
    folder = Path(tempfile.mkdtemp(prefix="mg-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)
