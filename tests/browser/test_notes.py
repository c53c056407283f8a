"""Notes of how something went: seen, read aloud, and in nobody's way."""

from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.config.load import load
from tests.browser.accessible import settled
from tests.browser.console import DESKTOP, PHONE, Console, Guarded
from tests.shared.tls.material import make

pytestmark = [pytest.mark.system, pytest.mark.foreign]

SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}
COVERED: Final = """() => {
  const controls = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter((one) =>
    !one.closest(".note, .bottom") && !one.disabled && one.checkVisibility());
  return controls.filter((one) => {
    one.scrollIntoView({ block: "nearest" });
    const { left, top, width, height } = one.getBoundingClientRect();
    const above = document.elementFromPoint(left + width / 2, top + height / 2);
    return Boolean(above?.closest(".notes, .toasts"));
  }).map((one) => one.outerHTML.slice(0, 120));
}"""
"""Controls that cannot be brought from below a note."""


def type_line(page: Page, line: str) -> None:
    """Another first line in the text of the settings, once the page shows that text."""
    area = page.get_by_label("Settings file (TOML)")
    expect(area).not_to_have_value("")
    area.fill(f"{line}\n{area.input_value()}")


def apply(page: Page) -> None:
    """By its two buttons, which nothing may cover."""
    page.get_by_role("button", name="Review and apply").click()
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()


@pytest.mark.parametrize("size", SIZES)
def test_a_note_covers_no_control(settable: Console, browser: Browser, size: str) -> None:
    with settable.visit(browser, "#/settings?as=text", viewport=SIZES[size]) as page:
        type_line(page, "# first")
        apply(page)
        note = page.get_by_role("status").get_by_text("Applied", exact=True)
        expect(note).to_be_visible()
        type_line(page, "# second")
        apply(page)  # while the first note stands
        expect(page.get_by_role("status").locator(".note")).to_have_count(1)
        page.route(
            "**/api/v1/session", lambda route: route.abort() if route.request.method == "DELETE" else route.fallback()
        )
        for where in ("settings", "modbus", "account", "certificates"):
            settled(page, where)
            fail_to_sign_out(page)
            expect(page.get_by_role("status").get_by_text("The gateway does not answer.").last).to_be_visible()
            assert page.evaluate(COVERED) == [], where
        assert settable.file.read_text(encoding="utf-8").startswith("# second\n# first\n")


def fail_to_sign_out(page: Page) -> None:
    """A note on any page: the request never reaches the gateway, and that is said."""
    button = page.locator(".side").get_by_role("button", name="Sign out")
    if button.is_visible():
        button.click()
        return
    page.locator(".bottom button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Sign out").click()
    expect(dialog.get_by_text("The gateway does not answer.").last).to_be_visible()
    page.keyboard.press("Escape")


def test_a_failure_in_a_dialog_is_said_in_the_dialog(settable: Console, browser: Browser) -> None:
    with settable.visit(browser, "#/account") as page:
        page.get_by_role("button", name="Add a user").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("no such: name!")
        dialog.get_by_label("Password").fill("long enough for a guest")
        dialog.get_by_role("button", name="Add").click()
        said = dialog.get_by_role("status")
        expect(said).not_to_be_empty()
        dialog.get_by_role("status").get_by_role("button", name="Close").click()
        expect(said).to_be_empty()


def test_what_is_risky_about_a_new_receiver_is_said_and_stays(settable: Console, browser: Browser) -> None:
    with settable.visit(browser, "#/modbus") as page:
        page.get_by_role("button", name="Add", exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Address").fill("127.0.0.1")
        dialog.get_by_label("Name").fill("Old boiler")
        dialog.get_by_text("More settings").click()
        dialog.get_by_label("Function").select_option("6")
        dialog.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("status").get_by_text("Old boiler is added")).to_be_visible()
        warning = page.get_by_role("status").get_by_text("function 6 writes one register at a time")
        expect(warning).to_be_visible()
        expect(page.get_by_text("Old boiler is added")).to_have_count(0, timeout=15_000)
        expect(warning).to_be_visible()
        page.get_by_role("status").get_by_role("button", name="Close").click()
        expect(warning).to_have_count(0)
        assert load(settable.file).master.slave[0].function == 6


def test_what_went_well_goes_by_itself_but_not_while_somebody_reads_it(settable: Console, browser: Browser) -> None:
    with settable.visit(browser, "#/settings?as=text") as page:
        page.clock.install()
        type_line(page, "# first")
        apply(page)
        note = page.get_by_role("status").locator(".note")
        expect(note).to_have_text("Applied")
        note.hover()
        page.clock.fast_forward(60_000)
        expect(note).to_be_visible()
        note.get_by_role("button", name="Close").focus()
        page.mouse.move(0, 0)
        page.clock.fast_forward(60_000)
        expect(note).to_be_visible()
        page.get_by_label("Settings file (TOML)").focus()
        page.clock.fast_forward(60_000)
        expect(note).to_have_count(0)


def test_a_certificate_that_waits_is_announced_wherever_one_is(guarded: Guarded, browser: Browser) -> None:
    with guarded.visit(browser, "#/registers") as page:
        word = page.get_by_role("status").get_by_text("1 certificate waits for your decision")
        expect(word).to_have_count(0)
        with guarded.knock(make("dryer")):
            expect(word).to_have_count(1)
