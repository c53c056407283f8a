"""What is the same on every page: it opens, fits a phone, speaks German, is dark or light, obeys the keyboard."""

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.console import PAGES, PHONE, Console, opens

pytestmark = [pytest.mark.system, pytest.mark.foreign]

TITLES: Final = {
    "live": "Live", "modbus": "Modbus TCP", "advanced": "Advanced Modbus configuration", "certificates": "Certificates",
    "clients": "Clients", "registers": "Registers", "processes": "Processes", "bus": "Bus", "events": "Events",
    "settings": "Settings", "account": "Account",
}  # fmt: skip
MOST_BYTES = 200_000


@pytest.mark.parametrize("name", PAGES)
def test_each_page_opens(console: Console, browser: Browser, name: str) -> None:
    with console.visit(browser) as page:
        opens(page, name, TITLES[name])


@pytest.mark.parametrize("name", PAGES)
def test_each_page_fits_a_phone(console: Console, browser: Browser, name: str) -> None:
    with console.visit(browser, viewport=PHONE, has_touch=True) as page:
        opens(page, name, TITLES[name])
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "nothing sticks out sideways"


def test_german_words_are_longer_and_fit_all_the_same(console: Console, browser: Browser) -> None:
    with console.visit(browser, viewport=PHONE, has_touch=True, locale="de-DE") as page:
        for name in PAGES:
            page.goto(f"{console.url}#/{name}")
            expect(page.get_by_text("Wird geladen")).to_have_count(0)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


def test_on_a_phone_the_other_pages_are_behind_more(console: Console, browser: Browser) -> None:
    with console.visit(browser, viewport=PHONE, has_touch=True) as page:
        page.get_by_role("button", name="More").tap()
        page.get_by_role("dialog").get_by_role("link", name="Registers").tap()
        expect(page.get_by_role("heading", level=1)).to_have_text("Registers")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_german_where_the_browser_prefers_it_and_english_where_it_is_chosen(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/live", locale="de-DE") as page:
        expect(page.get_by_role("heading", name="Einspeisung")).to_be_visible()
        expect(page.get_by_test_id("grid-power")).to_have_text(re.compile(r"\d,\d\d\skW"))
        assert page.evaluate("document.documentElement.lang") == "de"
        page.get_by_label("Sprache").first.select_option("en")
        expect(page.get_by_role("heading", name="Into the grid")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Into the grid")).to_be_visible()


def test_dark_as_the_system_says_and_light_where_it_is_chosen(console: Console, browser: Browser) -> None:
    ground = "getComputedStyle(document.body.parentElement).backgroundColor"
    with console.visit(browser, "#/live", color_scheme="dark") as page:
        expect(page.get_by_test_id("grid-power")).to_be_visible()
        dark = page.evaluate(ground)
        page.get_by_role("radio", name="Light").first.check(force=True)
        light = page.evaluate(ground)
        assert dark != light
        page.reload()
        expect(page.get_by_test_id("grid-power")).to_be_visible()
        assert page.evaluate(ground) == light, "it is remembered"


def test_the_keyboard_alone_reaches_the_content(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/account") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Account")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_label("Current password")).to_be_focused()


def test_a_dialog_holds_the_focus_and_escape_closes_it(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/account") as page:
        page.get_by_role("button", name="Add a user").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        for _ in range(12):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def test_a_network_that_changes_for_a_moment_costs_nobody_the_page(console: Console, browser: Browser) -> None:
    refused: set[str] = set()

    def once(route: Route) -> None:
        url = route.request.url
        if url in refused:
            route.continue_()
        else:
            refused.add(url)
            route.abort("internetdisconnected")

    with console.visit(browser, "#/account") as page:
        for asked in ("**/api/v1/*", "**/en-*.js", "**/live-*.js", "**/events-*.js"):
            page.route(asked, once)
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("Account")
        for name in ("live", "events"):
            opens(page, name, TITLES[name])
        assert len([url for url in refused if url.endswith(".js")]) == 3


def test_a_first_visit_loads_less_than_is_allowed(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/live") as page:
        sizes: dict[str, int] = {}

        page.on(
            "response", lambda answer: sizes.update({answer.url: len(answer.body())}) if _is_file(answer.url) else None
        )
        page.reload()
        expect(page.get_by_role("img", name="Last 10 minutes").locator("canvas")).to_be_visible()
        page.wait_for_load_state("load")
        assert len(sizes) >= 4, sizes
        assert sum(sizes.values()) < MOST_BYTES, sizes


def _is_file(url: str) -> bool:
    return "/assets/" in url or url.endswith("/")
