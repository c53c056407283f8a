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
