"""Whoever cannot see the page, or not well, or uses no mouse: rules, keyboard, and what is read aloud."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessible import settled, violations, walk
from tests.browser.console import DESKTOP, PAGES, PHONE, running
from tests.browser.household import Household
from tests.support import Processes

pytestmark = [pytest.mark.system, pytest.mark.foreign]

SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}
DIALOGS: Final = (
    ("account", "Add a user"), ("account", "Make a token"),
    ("modbus", "Add"), ("modbus", "Edit Energy manager"), ("modbus", "Delete Heat pump"),
    ("certificates", "Accept CN=Wallbox left"), ("certificates", "Details of CN=Wallbox left"),
    ("certificates", "Delete Inverter"), ("certificates", "Renew"), ("certificates", "Request for your authority"),
    ("certificates", "Import"), ("certificates", "Add authority"), ("processes", "Stop"),
)  # fmt: skip
"""Pages, and buttons there that ask something."""


@pytest.fixture(scope="module")
def household() -> Iterator[Household]:
    """With something to show on every page."""
    processes = Processes()
    try:
        with running(lambda folder: Household(folder, processes)) as around:
            yield around
    finally:
        processes.end()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule(household: Household, browser: Browser, scheme: str, size: str, locale: str) -> None:
    options: dict[str, Any] = {
        "color_scheme": scheme,
        "viewport": SIZES[size],
        "has_touch": size == "phone",
        "locale": locale,
    }
    with household.console.visit(browser, **options) as page:
        for name in PAGES:
            settled(page, name)
            assert violations(page) == [], name


@pytest.mark.parametrize("size", SIZES)
def test_the_keyboard_reaches_everything_in_order_and_is_seen(
    household: Household, browser: Browser, size: str
) -> None:
    with household.console.visit(browser, viewport=SIZES[size], has_touch=size == "phone") as page:
        for name in (*PAGES, "events/audit", "settings?as=text"):
            settled(page, name)
            assert walk(page) == [], name


@pytest.mark.parametrize(("where", "button"), DIALOGS)
def test_a_dialog_takes_the_focus_keeps_it_and_gives_it_back(
    household: Household, browser: Browser, where: str, button: str
) -> None:
    with household.console.visit(browser) as page:
        settled(page, where)
        opener = page.get_by_role("button", name=button, exact=True).first
        opener.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        expect(dialog).to_have_accessible_name(dialog.get_by_role("heading", level=2).inner_text())
        assert page.evaluate("Boolean(document.activeElement.closest('dialog'))"), "the focus is inside"
        assert violations(page) == []
        for _ in range(30):
            page.keyboard.press("Tab")
            inside = "document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"
            assert page.evaluate(inside), "the focus stays inside"
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()


def test_on_a_phone_the_drawer_is_a_dialog_like_the_others(household: Household, browser: Browser) -> None:
    with household.console.visit(browser, "#/live", viewport=PHONE) as page:
        more = page.get_by_role("button", name="More")
        more.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name="More")).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
        expect(more).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_door_and_the_settings_review_break_no_rule(household: Household, browser: Browser, scheme: str) -> None:
    with household.console.visit(browser, known=False, color_scheme=scheme) as page:
        expect(page.locator("h1")).to_be_visible()
        assert violations(page) == []
        assert walk(page) == []
    with household.console.visit(browser, "#/settings?as=text", color_scheme=scheme) as page:
        area = page.get_by_label("Settings file (TOML)")
        area.fill(f"# reviewed\n{area.input_value()}")
        page.get_by_role("button", name="Review and apply").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == []


def test_what_is_drawn_is_said_in_words_as_well(household: Household, browser: Browser) -> None:
    with household.console.visit(browser, "#/live") as page:
        expect(page.get_by_role("img", name="Last 10 minutes: Grid between")).to_be_visible()
        expect(page.get_by_role("main")).to_match_aria_snapshot(
            r"""
            - main:
              - heading "Live" [level=1]
              - region "Energy flow":
                - heading "Energy flow" [level=2]
                - figure:
                  - list:
                    - listitem:
                      - strong: Solar
                      - text: /gives [\d.]+.kW/
                    - listitem:
                      - strong: Grid
                      - text: /takes [\d.]+.kW/
                    - listitem:
                      - strong: House
                      - text: /takes [\d.]+.k?W/
                    - listitem:
                      - strong: Battery
                      - text: /charges with [\d.]+.kW/
                    - listitem:
                      - strong: Wallbox
                      - text: /rests 0.W/
              - region "Phases":
                - heading "Phases" [level=2]
                - table "Phases":
                  - rowgroup:
                    - row:
                      - columnheader
                      - columnheader "L1"
                      - columnheader "L2"
                      - columnheader "L3"
              - region "Last 10 minutes":
                - heading "Last 10 minutes" [level=2]
                - group:
                  - radio "Flow" [checked]
                  - radio "Phases"
                - figure:
                  - 'img /Last 10 minutes: Grid between .+, last .+; House between .+; Battery between/'
            """
        )


@pytest.mark.parametrize("size", SIZES)
def test_tables_stay_tables_for_who_hears_them(household: Household, browser: Browser, size: str) -> None:
    with household.console.visit(browser, "#/processes", viewport=SIZES[size]) as page:
        row = page.get_by_role("table", name="Processes").get_by_role("row", name="register-store")
        expect(row.get_by_role("cell").nth(1)).to_contain_text("ready")
        expect(row.get_by_role("button", name="Restart")).to_be_visible()


def still(page: Page, selector: str) -> str:
    """The text of what is read aloud, which is the same two seconds later: else it would be read again and again."""
    said = page.locator(selector)
    expect(said).not_to_be_empty()
    text = said.inner_text()
    page.evaluate(
        """selector => { window.moved = [];
        new MutationObserver((all) => window.moved.push(...all)).observe(document.querySelector(selector),
          { childList: true, characterData: true, subtree: true }); }""",
        selector,
    )
    page.wait_for_timeout(2000)
    assert page.evaluate("window.moved.length") == 0, text
    return text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_old_or_lost_is_read_aloud_once(household: Household, browser: Browser, scheme: str) -> None:
    console = household.console
    with console.visit(browser, "#/live", color_scheme=scheme) as page:
        expect(page.get_by_text("fresh", exact=True)).to_be_visible()
        assert console.cli("stop", "measurement").returncode == 0
        try:
            expect(page.get_by_role("alert")).to_contain_text("STALE", timeout=15_000)
            assert "exception 04" in still(page, "[role=alert]")
            assert violations(page) == []
            assert console.cli("stop", "console").returncode == 0
            lost = ".connection [role=status]"
            expect(page.locator(lost)).to_contain_text("Connection lost", timeout=10_000)
            assert "it comes back by itself" in still(page, lost)
            assert violations(page) == []
        finally:
            assert console.cli("start", "console").returncode == 0
            assert console.cli("start", "measurement").returncode == 0
        expect(page.get_by_text("fresh", exact=True)).to_be_visible(timeout=15_000)
