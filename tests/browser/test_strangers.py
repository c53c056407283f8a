"""Names that strangers chose: whatever stands in them, on every page they are text, in their place."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.tls.certificate import fingerprint
from tests.browser.accessible import settled
from tests.browser.console import DESKTOP, PHONE, Guarded
from tests.shared.tls.material import make

pytestmark = [pytest.mark.system, pytest.mark.foreign]

HEBREW: Final = "אבג (ד) 1"
NAMES: Final = (
    "</td></title><img src=x onerror=alert(1)><script>alert(2)</script>",
    "\"'`${7*7}{{7*7}}&amp;&lt;<!--",
    "abc\u202egro.live\u2066\u200f",
    "one\ntwo\r\n\tthree\x1b[31m",
    HEBREW,
    "W" * 3000,
)
SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}
WHERE: Final = ("certificates", "clients", "events", "events/audit", "modbus", "live", "bus")
OUTSIDE: Final = """() => [...document.querySelectorAll("main *")].filter((one) => {
  const scrolls = one.closest(".table-wrap, pre, svg, .sr-only");
  return !scrolls && one.getBoundingClientRect().right > innerWidth + 1;
}).map((one) => one.outerHTML.slice(0, 160))"""
"""What sticks out of the window."""
DIRECTIONS: Final = "/[\\u202a-\\u202e\\u2066-\\u2069\\u200e\\u200f]/"


@pytest.fixture(scope="module")
def crowd(guarded: Guarded) -> Iterator[Guarded]:
    """All of them are accepted, connected, and known by those names where the owner may give such."""
    with ExitStack() as connected:
        for name in NAMES:
            made = make(name)
            connected.enter_context(guarded.knock(made))
            label = name if name.isprintable() and len(name.encode()) <= 64 else ""
            accepted = guarded.cli("certs", "accept", fingerprint(made.der), "--label", label)
            assert accepted.returncode == 0, accepted.stderr
        yield guarded


def harmless(page: Page, where: str) -> None:
    """Nothing of a name became part of the page, and nothing was pushed out of it."""
    assert page.locator("main img:not([role]), main script, dialog script").count() == 0, where
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, where
    assert page.evaluate(OUTSIDE) == [], where
    assert page.locator(".table-wrap[tabindex] table.cards").count() == 0, f"{where}: a table scrolls sideways"


@pytest.mark.parametrize("size", SIZES)
def test_a_name_is_text_in_its_place_on_every_page(crowd: Guarded, browser: Browser, size: str) -> None:
    with crowd.visit(browser, viewport=SIZES[size]) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a name was run: {dialog.message}"))
        for where in WHERE:
            settled(page, where)
            if where in {"certificates", "modbus", "clients"}:
                expect(page.get_by_text(HEBREW).first).to_be_visible()
            harmless(page, where)
            overrides = f"{DIRECTIONS}.test(document.querySelector('main').textContent)"
            assert not page.evaluate(overrides), f"{where}: a name decides about directions"


@pytest.mark.parametrize("size", SIZES)
def test_every_dialog_about_a_name_stays_in_shape(crowd: Guarded, browser: Browser, size: str) -> None:
    with crowd.visit(browser, viewport=SIZES[size]) as page:
        settled(page, "certificates")
        rows = page.locator("#content tbody tr", has=page.get_by_role("button", name="Details"))
        expect(rows).to_have_count(len(NAMES))
        for number in range(len(NAMES)):
            for button in ("Details", "Delete"):
                rows.nth(number).get_by_role("button", name=button).click()
                dialog = page.get_by_role("dialog")
                expect(dialog).to_be_visible()
                harmless(page, button)
                wide = "one => one.scrollWidth - one.clientWidth"
                assert dialog.evaluate(wide) <= 0, f"{button}: scrolls sideways"
                page.keyboard.press("Escape")
                expect(dialog).to_have_count(0)


def test_a_name_from_right_to_left_turns_nothing_around_it(crowd: Guarded, browser: Browser) -> None:
    with crowd.visit(browser, "#/clients") as page:
        row = page.locator("tbody tr", has_text=HEBREW)
        isolated = "one => getComputedStyle(one).unicodeBidi"
        assert row.get_by_role("link").evaluate(isolated) == "isolate"
        row.get_by_role("button", name="Disconnect").click()
        heading = page.get_by_role("dialog").get_by_role("heading")
        expect(heading).to_have_text(f"Disconnect \u2068{HEBREW}\u2069?")
        page.keyboard.press("Escape")
