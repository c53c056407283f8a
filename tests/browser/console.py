"""A gateway of the tests with its console, and the browser that looks at it."""

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, StorageState, ViewportSize, expect, sync_playwright

from tests.shared.tls.material import Made
from tests.support import ROOT, free_port, is_listening, wait_for
from tests.system.foreign import need
from tests.system.gateway import SIMULATED, Gateway
from tests.system.tls import TlsClient
from tests.system.wire import ModbusError

DIST: Final = ROOT / "services" / "console" / "page" / "dist" / "index.html"
HOUSEHOLD: Final = f"{SIMULATED}\n[wallbox]\npresent = true\n".replace('"house"\n', '"house"\nstale_after_s = 2\n', 1)
FLAGS: Final = (
    "--no-sandbox",  # as root Chromium starts only so; it sees nothing but the page under test
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
USER: Final = "owner"
PASSWORD: Final = "correct horse battery staple"
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 860}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
PAGES: Final = (
    "live", "modbus", "advanced", "certificates", "clients", "registers", "processes", "bus", "events", "settings",
    "account",
)  # fmt: skip
REFUSED: Final = "Failed to load resource"
"""What Chromium notes of every answer that is none of success; a test of such answers looks at the page itself."""


def chromium() -> str:
    """Path of the system's Chromium; the test is skipped, or fails where it must run, without one."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    need("chromium", "apt install chromium", here=bool(found))
    need("the built page", "make page", here=DIST.is_file())
    return str(found)


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
        meter, slave, more: further settings; `console` are lines of its own table.

    Attributes:
        url: where the page is.
        cookies: of whoever set the first password; none before.
    """

    def __init__(
        self, folder: Path, meter: str = HOUSEHOLD, slave: str = "", more: str = "", console: str = ""
    ) -> None:
        self.console_port = free_port()
        self.url = f"http://127.0.0.1:{self.console_port}/"
        self.cookies: StorageState | None = None
        super().__init__(folder, meter, slave, f"[console]\nport = {self.console_port}\n{console}\n{more}")

    def start(self) -> None:
        """`metergate up`; returns when the page answers, too."""
        super().start()
        self.wait_ready()
        wait_for(lambda: is_listening(self.console_port), "the console")

    def code(self) -> str:
        """The set-up code, as the console logged it."""

        def look() -> str:
            lines = (line for line in self.process.output.splitlines() if '"code"' in line)
            return next((str(json.loads(line)["code"]) for line in lines), "")

        return wait_for(look, "the set-up code in the log")

    @contextlib.contextmanager
    def visit(self, browser: Browser, where: str = "", *, known: bool = True, **options: Any) -> Iterator[Page]:
        """A page of its own, open at `where`; whatever script or policy complained about is an error at its end.

        Args:
            browser: to open it in.
            where: behind the address, such as `#/live`.
            known: with the cookies of the owner.
            options: of the context: locale, color_scheme, viewport, ...
        """
        if known and self.cookies is None:
            self.cookies = self._sign_up(browser)
        options.setdefault("locale", "en-GB")
        options.setdefault("viewport", DESKTOP)
        context = browser.new_context(storage_state=self.cookies if known else None, **options)
        try:
            page = context.new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.extend(_complaint(message)))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(self.url + where)
            yield page
            assert complaints == []
        finally:
            context.close()

    def _sign_up(self, browser: Browser) -> StorageState:
        """Set the first password, as an owner does."""
        with self.visit(browser, f"#code={self.code()}", known=False) as page:
            page.get_by_role("button", name="Set a password").click()
            set_password(page)
            return page.context.storage_state()


class Guarded(Console):
    """A gateway with encryption, and its plain port beside it for reading."""

    def __init__(self, folder: Path) -> None:
        self.tls_port = free_port()
        tls = f"tls = true\nplain_alongside_tls = true\ntls_port = {self.tls_port}"
        super().__init__(folder, HOUSEHOLD, tls)

    def knock(self, made: Made) -> TlsClient:
        """A client with this certificate, connected; it has been refused once."""
        client = TlsClient(self.tls_port, made.save(self.folder))
        with pytest.raises(ModbusError) as refused:
            client.read(0, 2)
        assert refused.value.code == 1
        return client


class Startable(Protocol):
    """What starts, and is ended."""

    def start(self) -> None:
        """Return once it is there."""

    def end(self) -> None:
        """Also where it never started."""


S = TypeVar("S", bound=Startable)


@contextlib.contextmanager
def running(make: Callable[[Path], S]) -> Iterator[S]:
    """What `make` makes in a folder of its own, started; ended, and the folder gone, at the end."""
    chromium()  # skip before anything is started
    folder = Path(tempfile.mkdtemp(prefix="mg-", dir="/tmp"))
    made = make(folder)
    try:
        made.start()
        yield made
    finally:
        made.end()
        shutil.rmtree(folder)


def set_password(page: Page, password: str = PASSWORD) -> None:
    """Fill in the form of the first password."""
    page.get_by_label("New password").fill(password)
    page.get_by_label("The same again").fill(password)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("The password is set.")).to_be_visible()


def sign_in(page: Page, user: str = USER, password: str = PASSWORD) -> None:
    """Fill in the door's form."""
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def opens(page: Page, name: str, title: str) -> None:
    """That a page shows itself, without saying that it could not."""
    page.goto(f"{page.url.partition('#')[0]}#/{name}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_text("Loading")).to_have_count(0)
    expect(page.locator(".notice.bad")).to_have_count(0)


def number(text: str) -> float:
    """The number in a text such as `2.38 kW`, in W or whatever small unit stands there."""
    found = re.search(r"(-?[\d.,]+)\s*(k?)", text)
    assert found, text
    return float(found[1].replace(",", "")) * (1000 if found[2] else 1)


def _complaint(message: ConsoleMessage) -> list[str]:
    return [message.text] if message.type in {"error", "warning"} and REFUSED not in message.text else []
