"""The language that is shown is the language in which the gateway is asked."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.accessible import settled
from tests.browser.console import PAGES, Console

pytestmark = [pytest.mark.system, pytest.mark.foreign]


def test_every_request_names_the_language_that_is_shown(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/live", locale="en-GB") as page:
        expect(page.get_by_role("img", name="Last 10 minutes")).to_be_visible()
        asked: list[tuple[str, str]] = []
        page.on("request", lambda request: asked.append((request.url, request.headers.get("accept-language", ""))))
        page.get_by_label("Language").first.select_option("de")
        expect(page.get_by_role("heading", name="Einspeisung")).to_be_visible()
        for name in PAGES:
            settled(page, name)
        page.reload()
        expect(page.locator("h1")).to_be_visible()
        mine = [(url, language) for url, language in asked if "/api/v1/" in url]
        assert {url.partition("/api/v1/")[2].partition("?")[0] for url, _ in mine} >= {"stream", "settings", "session"}
        assert [(url, language) for url, language in mine if language != "de"] == []


def test_what_the_gateway_says_is_german_on_a_german_page(settable: Console, browser: Browser) -> None:
    with settable.visit(browser, "#/settings", locale="de-DE") as page:
        page.get_by_label("Einstellungen suchen").fill("max_connections_per_address")
        field = page.get_by_role("textbox", name="max_connections_per_address", exact=True)
        expect(page.locator("#key-slave\\.max_connections_per_address-told")).to_contain_text("wird abgewiesen")
        field.fill("100000")
        field.press("Tab")
        expect(page.get_by_text("ist 100000, muss aber sein: eine ganze Zahl von 1 bis 60000").first).to_be_visible()
        page.get_by_label("Sprache").first.select_option("en")
        expect(page.get_by_text("must be a whole number from 1 to 60000").first).to_be_visible()
        expect(page.get_by_role("textbox", name="max_connections_per_address", exact=True)).to_have_value("100000")
    with settable.visit(browser, "#/registers", locale="de-DE") as page:
        table = page.get_by_role("table", name="Register")
        expect(table.get_by_role("row").nth(1)).to_contain_text("\N{MULTIPLICATION SIGN} 0,1 · R")
        options = page.get_by_label("Gruppe").get_by_role("option").all_inner_texts()
        assert {"Kennung (PnP)", "SunSpec", "Energiefluss", "Wallbox", "Wallbox-Vorgaben"} <= set(options)
    with settable.visit(browser, known=False, locale="de-DE") as page:
        page.get_by_label("Benutzer").fill("owner")
        page.get_by_label("Passwort").fill("not the password")
        page.get_by_role("button", name="Anmelden").click()
        expect(page.get_by_text("Benutzer und Passwort passen nicht zusammen")).to_be_visible()
