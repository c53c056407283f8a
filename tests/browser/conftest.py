"""Fixtures of the tests in a browser."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.console import Console, browsing, chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each visit has cookies and storage of its own."""
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    """A gateway for the tests of a file together: two seconds from fresh to stale, and patience."""
    chromium()  # skip before anything is started
    folder = Path(tempfile.mkdtemp(prefix="mg-", dir="/tmp"))
    gateway = Console(folder, more="[supervisor]\nbeat_timeout_s = 15\n")
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.end()
        shutil.rmtree(folder)
