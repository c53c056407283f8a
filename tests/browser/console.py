"""A gateway of the tests with its console, and the browser that looks at it."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support import ROOT, free_port, wait_for
from tests.system.foreign import need
from tests.system.gateway import SIMULATED, Gateway

DIST: Final = ROOT / "services" / "console" / "page" / "dist" / "index.html"
HOUSEHOLD: Final = f"{SIMULATED}\n[wallbox]\npresent = true\n"
FLAGS: Final = (
    "--no-sandbox",  # as root Chromium starts only so; it sees nothing but the page under test
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD: Final = "correct horse battery staple"
USER: Final = "owner"
LANGUAGE: Final = "en-GB"


def chromium() -> str:
    """Path of the system's Chromium; the test is skipped, or fails where it must run, without one."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    need("chromium", "apt install chromium", here=bool(found))
    need("the built page", "make page", here=DIST.is_file())
    return found


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium without a window, with a profile of its own that goes with it."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Console(Gateway):
    """A gateway with a console on a free port.

    Args:
        folder: as for `Gateway`.
        meter, slave, more: further settings.

    Attributes:
        url: where the page is.
        cookies: of whoever set the first password; empty before.
    """

    def __init__(self, folder: Path, meter: str = HOUSEHOLD, slave: str = "", more: str = "") -> None:
        self.console_port = free_port()
        self.url = f"http://127.0.0.1:{self.console_port}/"
        self.state: str | None = None
        super().__init__(folder, meter, slave, f"[console]\nport = {self.console_port}\n{more}")

    def code(self) -> str:
        """The set-up code, as the console logged it."""

        def look() -> str:
            lines = (line for line in self.process.output.splitlines() if '"code"' in line)
            return next((str(json.loads(line)["code"]) for line in lines), "")

        return wait_for(look, "the set-up code in the log")
