"""Registers, processes, bus and events, as an owner works with them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console import Console
from tests.support import wait_for

pytestmark = [pytest.mark.system, pytest.mark.foreign]


def test_a_register_is_found_by_name_and_by_address_and_its_words_are_live(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/registers") as page:
        search = page.get_by_role("searchbox")
        search.fill("voltage_l1")
        row = page.locator("tbody tr").filter(has=page.get_by_text("voltage_l1", exact=True))
        expect(row).to_have_count(1)
        expect(row).to_contain_text("served")
        words = row.locator(".words")
        first = words.inner_text()
        assert re.fullmatch(r"[0-9A-F]{4} [0-9A-F]{4}", first)
        expect(words).not_to_have_text(first)
        search.fill("513")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody")).to_contain_text("active_energy_import")
        page.reload()
        expect(page.get_by_role("searchbox")).to_have_value("513")


def test_the_map_can_be_downloaded(console: Console, browser: Browser, tmp_path: Path) -> None:
    with console.visit(browser, "#/registers") as page:
        for kind, holds in (("CSV", "active_power_import"), ("Home Assistant", "modbus"), ("ioBroker", "active_power")):
            with page.expect_download() as started:
                page.get_by_role("link", name=kind).click()
            target = tmp_path / kind
            started.value.save_as(target)
            assert holds in target.read_text(encoding="utf-8"), kind


def test_a_role_is_started_again_by_its_button(console: Console, browser: Browser) -> None:
    before = console.pid("plain-slave")
    with console.visit(browser, "#/processes") as page:
        row = page.locator("tr", has_text="plain-slave").first
        expect(row).to_contain_text("ready")
        row.get_by_role("button", name="Restart").click()
        expect(page.get_by_text("plain-slave starts again.")).to_be_visible()
        wait_for(lambda: console.pid("plain-slave") != before, "another process")
        expect(row).to_contain_text(str(console.pid("plain-slave")), timeout=10_000)
        expect(row).to_contain_text("asked for")
        page.goto(f"{console.url}#/events")
        expect(page.get_by_text("plain-slave is ready").first).to_be_visible()
        page.get_by_role("link", name="Audit log").click()
        expect(page.locator("tbody")).to_contain_text("restart")


def test_the_bus_is_seen_filtered_held_and_recorded(console: Console, browser: Browser, tmp_path: Path) -> None:
    with console.visit(browser, "#/bus") as page:
        lines = page.locator(".tap li")
        expect(lines.filter(has_text="sample/house").first).to_be_visible()
        page.get_by_label("Topic").press_sequentially("image/", delay=100)  # while lines come
        page.keyboard.press("Enter")
        expect(lines.filter(has_text="image/house").first).to_be_visible()
        expect(lines.filter(has_text="sample/house")).to_have_count(0)
        page.get_by_role("button", name="Hold").click()
        page.wait_for_timeout(300)  # what was on its way has come
        held = lines.count()
        page.wait_for_timeout(1000)
        assert lines.count() == held
        with page.expect_download(timeout=30_000) as started:
            page.get_by_role("link", name="Record and download").click()
        tape = tmp_path / "bus.tape"
        started.value.save_as(tape)
        assert console.cli("replay", str(tape), "--help").returncode == 0
        assert tape.stat().st_size > 1000


def test_users_and_tokens_come_and_go(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/account") as page:
        page.get_by_role("button", name="Make a token").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("<b>grafana</b>")
        dialog.get_by_role("button", name="Add").click()
        secret = dialog.locator(".secret").inner_text()
        assert secret.startswith("mg_")
        answer = page.request.get(f"{console.url}api/v1/live", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status == 200
        dialog.get_by_role("button", name="Close").last.click()
        row = page.locator("tr", has_text="<b>grafana</b>")
        expect(row).to_be_visible()
        row.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(row).to_have_count(0)
        page.get_by_role("button", name="Add a user").click()
        dialog.get_by_label("Name").fill("guest")
        dialog.get_by_label("Password").fill("long enough for a guest")
        dialog.get_by_role("button", name="Add").click()
        expect(page.locator("tr", has_text="guest")).to_be_visible()
    with console.visit(browser, "#/processes", known=False) as page:
        page.get_by_label("User").fill("guest")
        page.get_by_label("Password").fill("long enough for a guest")
        page.get_by_role("button", name="Sign in").click()
        restart = page.get_by_role("button", name="Restart").first
        expect(restart).to_be_disabled()
        expect(restart).to_have_attribute("title", "Your account may look, but not operate.")
