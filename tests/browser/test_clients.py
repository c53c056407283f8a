"""Clients: who reads now; one is kept waiting, served again, and sent away."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console import Console
from tests.system.wire import Client, ModbusError

pytestmark = [pytest.mark.system, pytest.mark.foreign]


def test_a_client_is_seen_paused_resumed_and_disconnected(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/clients") as page, Client(console.port) as client:
        client.read(40, 100, unit=7)
        with pytest.raises(ModbusError):
            client.read(30_000, 1)
        peer = f"127.0.0.1:{client.socket.getsockname()[1]}"
        row = page.locator("tbody tr", has_text=peer)
        expect(row).to_contain_text("Not encrypted")
        expect(row.get_by_role("cell").nth(4)).to_contain_text("30000")
        expect(row.get_by_role("cell").nth(5)).to_have_text("1")
        client.read(40, 100, unit=7)
        expect(row.get_by_role("cell").nth(3)).to_have_text("7")
        expect(row.get_by_role("cell").nth(4)).to_contain_text("40 to 139")

        row.get_by_role("button", name=f"Pause {peer}").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("exception 06 (busy)")
        dialog.get_by_role("button", name="Pause").click()
        expect(row).to_contain_text("Paused")
        with pytest.raises(ModbusError) as busy:
            client.read(0, 2)
        assert busy.value.code == 6
        row.get_by_role("button", name=f"Resume {peer}").click()
        expect(row).not_to_contain_text("Paused")
        assert len(client.read(0, 2)) == 2

        row.get_by_role("button", name=f"Disconnect {peer}").click()
        dialog.get_by_role("button", name="Disconnect").click()
        expect(page.get_by_text(f"{peer} is disconnected")).to_be_visible()
        expect(row).to_have_count(0)
        assert client.is_ended()


def test_who_is_paused_and_away_can_be_resumed(console: Console, browser: Browser) -> None:
    with console.visit(browser, "#/clients") as page:
        with Client(console.port) as client:
            client.read(0, 2)
            row = page.locator("tbody tr", has_text="127.0.0.1:")
            row.get_by_role("button", name="Pause").click()
            page.get_by_role("dialog").get_by_role("button", name="Pause").click()
            expect(row).to_contain_text("Paused")
        away = page.get_by_role("region", name="Paused")
        expect(away).to_contain_text("Not connected now")
        away.get_by_role("button", name="Resume 127.0.0.1").click()
        expect(away).to_have_count(0)
        with Client(console.port) as client:
            assert len(client.read(0, 2)) == 2
