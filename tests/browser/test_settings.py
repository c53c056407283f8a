"""Settings: a bad line is refused with its place, a good one is shown before it is applied; nobody loses a change."""

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.config.load import load
from tests.browser.console import Console
from tests.support import free_port, wait_for
from tests.system.wire import answers

pytestmark = [pytest.mark.system, pytest.mark.foreign]


def text_of(page: Page, console: Console) -> str:
    """The file, once the editor shows it."""
    text = console.file.read_text(encoding="utf-8")
    expect(page.get_by_label("Settings file (TOML)")).to_have_value(text)
    return text


def test_a_bad_line_is_refused_with_its_place_and_a_good_one_is_applied(settable: Console, browser: Browser) -> None:
    with settable.visit(browser, "#/settings?as=text") as page:
        before = text_of(page, settable)
        area = page.get_by_label("Settings file (TOML)")
        review = page.get_by_role("button", name="Review and apply")
        expect(review).to_be_disabled()
        number = before.splitlines().index(f"port = {settable.port}") + 1
        area.fill(before.replace(f"port = {settable.port}", f"prot = {settable.port}"))
        mistake = page.get_by_role("listitem").filter(has_text="slave.prot")
        expect(mistake).to_contain_text("did you mean 'port'?")
        expect(page.locator(".gutter .wrong")).to_have_text(str(number))
        expect(review).to_be_disabled()
        mistake.get_by_role("button", name=f"Line {number}").click()
        selected = area.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
        assert selected == f"prot = {settable.port}"
        assert settable.file.read_text(encoding="utf-8") == before

        other = free_port()
        area.fill(f"# who reads here\n{before}".replace(f"port = {settable.port}", f"port = {other}"))
        expect(page.get_by_text("The settings are right")).to_be_visible()
        review.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("These parts start again: plain-slave")
        expect(dialog.locator(".diff.removed")).to_contain_text(f"port = {settable.port}")
        expect(dialog.locator(".diff.added").last).to_contain_text(f"port = {other}")
        dialog.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("Applied", exact=True)).to_be_visible()
        assert settable.file.read_text(encoding="utf-8").startswith("# who reads here\n")
        wait_for(lambda: answers(other), "the slave on its new port", 20)
        expect(review).to_be_disabled()


def test_the_form_changes_the_same_text_and_keeps_its_comments(settable: Console, browser: Browser) -> None:
    settable.write(settable.text() + "# the end\n")
    with settable.visit(browser, "#/settings") as page:
        page.get_by_label("Search settings").fill("max_connections_per_address")
        field = page.get_by_role("textbox", name="max_connections_per_address", exact=True)
        field.fill("100000")
        field.press("Tab")
        expect(page.get_by_text("must be a whole number from 1 to 60000").first).to_be_visible()
        expect(page.get_by_role("button", name="Review and apply")).to_be_disabled()
        field.fill("many")
        field.press("Tab")
        expect(page.get_by_text("This must be a whole number from 1 to 60000.")).to_be_visible()
        field.fill("12")
        field.press("Tab")
        expect(page.get_by_text("The settings are right")).to_be_visible()
        page.get_by_role("radio", name="Text").check(force=True)
        expect(page.get_by_label("Settings file (TOML)")).to_have_value(
            _with(settable, "max_connections_per_address = 12")
        )
        page.get_by_role("button", name="Review and apply").click()
        page.get_by_role("dialog").get_by_role("button", name="Apply").click()
        expect(page.get_by_text("Applied", exact=True)).to_be_visible()
        assert load(settable.file).slave.max_connections_per_address == 12
        assert settable.file.read_text(encoding="utf-8").endswith("# the end\n")


def _with(console: Console, line: str) -> str:
    """The text with a line behind the last one of [slave]."""
    lines = console.file.read_text(encoding="utf-8").splitlines(keepends=True)
    at = lines.index(f"port = {console.port}\n") + 1
    return "".join([*lines[:at], f"{line}\n", *lines[at:]])


def test_a_table_is_added_in_the_form_and_taken_out_again(settable: Console, browser: Browser) -> None:
    with settable.visit(browser, "#/settings") as page:
        page.get_by_role("button", name="Add [[meter]]").click()
        expect(page.get_by_text("2 mistakes").or_(page.get_by_text("1 mistake")).first).to_be_visible()
        second = page.locator("details.section", has=page.get_by_text("[[meter]]")).nth(1)
        name = second.get_by_role("textbox", name="id", exact=True)
        name.fill("barn")
        name.press("Tab")
        unit = second.get_by_role("textbox", name="unit", exact=True)
        unit.fill("2")
        unit.press("Tab")
        expect(page.get_by_text("The settings are right")).to_be_visible()
        page.get_by_role("button", name="Remove [[meter]] 2").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("[[meter]] barn")).to_have_count(0)


def test_somebody_elses_change_is_never_overwritten(settable: Console, browser: Browser) -> None:
    with settable.visit(browser, "#/settings?as=text") as page:
        before = text_of(page, settable)
        area = page.get_by_label("Settings file (TOML)")
        area.fill(before + "\n[wallbox_]\n")
        area.fill(f"# mine\n{before}")
        expect(page.get_by_text("The settings are right")).to_be_visible()
        settable.write(f"# theirs\n{before}")
        expect(page.get_by_text("The file was changed by somebody else meanwhile")).to_be_visible(timeout=10_000)
        expect(page.get_by_role("button", name="Review and apply")).to_be_disabled()
        page.get_by_role("button", name="Keep my text and compare").click()
        page.get_by_role("button", name="Review and apply").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".diff.removed")).to_contain_text("# theirs")
        expect(dialog.locator(".diff.added")).to_contain_text("# mine")
        page.keyboard.press("Escape")
        assert settable.file.read_text(encoding="utf-8") == f"# theirs\n{before}"
        page.goto(f"{settable.url}#/live")
        page.goto(f"{settable.url}#/settings?as=text")
        expect(area).to_have_value(f"# mine\n{before}")
        page.get_by_role("button", name="Undo", exact=True).click()
        dialog.get_by_role("button", name="Undo").click()
        expect(area).to_have_value(f"# theirs\n{before}")


def test_advice_stands_in_text_form_and_review_and_keeps_nobody_from_applying(
    settable: Console, browser: Browser
) -> None:
    advice = "function 6 writes one register at a time"
    with settable.visit(browser, "#/settings?as=text") as page:
        before = text_of(page, settable)
        expect(page.get_by_text(advice)).to_have_count(0)
        slave = f'[[master.slave]]\naddress = "127.0.0.1"\nport = {free_port()}\nfunction = 6\n'
        after = f"{before}\n[master]\nenabled = true\n\n{slave}"
        page.get_by_label("Settings file (TOML)").fill(after)
        known = page.get_by_role("listitem").filter(has_text=advice)
        expect(known).to_contain_text("master.slave")
        number = after.splitlines().index("[[master.slave]]") + 1
        known.get_by_role("button", name=f"Line {number}").click()
        page.get_by_role("radio", name="Form").check(force=True)
        expect(known).to_contain_text(f"Line {number}")
        page.get_by_role("button", name="Review and apply").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text(advice)).to_be_visible()
        dialog.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("Applied. starts: master-pusher")).to_be_visible()
        page.reload()
        expect(known).to_contain_text(f"Line {number}")
