"""Fixtures of the tests in a browser: the browser, and gateways to look at."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.console import Console, Guarded, browsing, running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each visit has cookies and storage of its own."""
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    """A gateway for the tests of a file together: two seconds from fresh to stale, and patience."""
    with running(lambda folder: Console(folder, more="[supervisor]\nbeat_timeout_s = 15\n")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """One with encryption, for the tests of a file together."""
    with running(Guarded) as gateway:
        yield gateway


@pytest.fixture
def settable() -> Iterator[Console]:
    """One for each test: each changes its settings."""
    with running(Console) as gateway:
        yield gateway
