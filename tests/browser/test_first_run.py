"""From nothing to a password: what a new owner sees."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console import Console, set_password, sign_in

pytestmark = [pytest.mark.system, pytest.mark.foreign]


def test_the_link_of_the_terminal_shows_live_values_and_nothing_else(console: Console, browser: Browser) -> None:
    with console.visit(browser, f"#code={console.code()}", known=False) as page:
        expect(page.get_by_test_id("grid-power")).to_have_text(re.compile(r"\d\.\d\d\skW"), timeout=5000)
        assert "code" not in page.url, "the code stays in nobody's history"
        expect(page.get_by_text("SIMULATION", exact=True)).to_be_visible()
        page.get_by_role("link", name="Registers").first.click()
        expect(page.get_by_text("This page opens once a password is set.")).to_be_visible()


def test_a_wrong_code_is_refused_in_words_and_the_right_one_may_be_typed(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#code=AAAA-BBBB-CCCC", known=False) as page:
        expect(page.get_by_text("The code of the link is not accepted")).to_be_visible()
        page.get_by_label("Set-up code").fill(console.code().lower().replace("-", " "))
        page.get_by_role("button", name="See the values").click()
        expect(page.get_by_test_id("grid-power")).to_be_visible()


def test_after_the_first_password_the_code_is_void_and_the_password_lets_in(console: Console, browser: Browser) -> None:
    code = console.code()
    with console.visit(browser, f"#code={code}", known=False) as page:
        page.get_by_role("button", name="Set a password").click()
        page.get_by_label("New password").fill("short")
        expect(page.get_by_role("button", name="Set password")).to_be_disabled()
        set_password(page)
        page.get_by_role("link", name="Account").first.click()
        page.get_by_role("button", name="Sign out").first.click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        sign_in(page, password="not the password")
        expect(page.locator(".error-text")).not_to_be_empty()
        sign_in(page)
        expect(page.get_by_test_id("grid-power").or_(page.get_by_role("heading", name="Account"))).to_be_visible()
    with console.visit(browser, f"#code={code}", known=False) as page:
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_text("not accepted")).to_be_visible()
