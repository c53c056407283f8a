"""The page of the device's manual: slave, encryption, master and its slaves; and the advanced configuration."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.config.load import load
from tests.browser.console import Console, running
from tests.shared.tls.material import make
from tests.support import Processes, free_port, is_listening, wait_for
from tests.system.foreign_slave import ForeignSlave
from tests.system.tls import TlsClient, is_refused
from tests.system.wire import Client, ModbusError, answers

pytestmark = [pytest.mark.system, pytest.mark.foreign]

NO_MANAGER = "The certificate manager does not run"
TAKEN_OVER_MS = 15_000
"""A change of the settings counts once the file stood still for a second; then roles start again."""


class Switchable(Console):
    """A gateway in plain, with a free port for the time when it is encrypted."""

    def __init__(self, folder: Path) -> None:
        self.tls_port = free_port()
        super().__init__(folder, slave=f"tls_port = {self.tls_port}")


@pytest.fixture
def switchable() -> Iterator[Switchable]:
    """One for each test: each changes its settings."""
    with running(Switchable) as gateway:
        yield gateway


def test_the_encryption_switch_says_who_is_cut_off_and_closes_the_plain_port(
    switchable: Switchable, browser: Browser
) -> None:
    plain, tls = switchable.port, switchable.tls_port
    with switchable.visit(browser, "#/modbus") as page, Client(plain) as client:
        client.read(0, 2)
        slave = page.get_by_role("region", name="Slave", exact=True)
        expect(slave).to_contain_text(f"Port {plain}, not encrypted. 1 client connected.")
        switch = slave.get_by_role("switch", name="Encryption (TLS)")
        switch.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"Port {plain} closes for everybody. Clients come back on port {tls}")
        expect(dialog.get_by_role("listitem")).to_have_text("127.0.0.1")
        dialog.get_by_role("button", name="Cancel").click()
        expect(switch).not_to_be_checked()
        assert client.read(0, 2), "nothing happens before it is confirmed"
        switch.click()
        dialog.get_by_role("button", name="Switch encryption on").click()
        expect(switch).to_be_checked()
        wait_for(lambda: is_refused(plain), "the plain port closed", 20)
        wait_for(lambda: is_listening(tls), "the encrypted port", 20)
        certificates = page.locator("#certificates")
        expect(certificates).to_contain_text("No certificate yet")
        expect(certificates).not_to_contain_text(NO_MANAGER)
        with TlsClient(tls, make("wallbox").save(switchable.folder)) as stranger:
            with pytest.raises(ModbusError):
                stranger.read(0, 2)
            row = page.locator("#certificates tbody tr")
            expect(row).to_contain_text("CN=wallbox")
            expect(row).to_contain_text("Not accepted")
            expect(slave).to_contain_text("1 client connected", timeout=TAKEN_OVER_MS)
            switch.click()
            expect(dialog).to_contain_text(f"Port {tls} closes.")
            dialog.get_by_role("button", name="Switch encryption off").click()
            expect(switch).not_to_be_checked()
            expect(certificates).to_contain_text(NO_MANAGER, timeout=TAKEN_OVER_MS)
            expect(row.get_by_role("button")).to_have_count(0)
        wait_for(lambda: is_refused(tls), "the encrypted port closed", 20)
        wait_for(lambda: answers(plain), "the plain port", 20)


def test_the_slave_is_switched_off_after_a_question_and_on_again(switchable: Switchable, browser: Browser) -> None:
    with switchable.visit(browser, "#/modbus") as page:
        switch = page.get_by_role("switch", name="Modbus TCP slave")
        switch.click()
        page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
        expect(switch).not_to_be_checked()
        expect(page.get_by_text("Slave is off: no device can read.")).to_be_visible()
        wait_for(lambda: is_refused(switchable.port), "the port closed", 20)
        switch.click()
        expect(switch).to_be_checked()
        wait_for(lambda: answers(switchable.port), "the port", 20)


def add(page: Page, port: int, name: str) -> None:
    """A slave on this host, by the dialog."""
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Address").fill("127.0.0.1")
    dialog.get_by_label("Port").fill(str(port))
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text(f"{name} is added")).to_be_visible()


def test_slaves_are_added_tested_changed_and_deleted(
    switchable: Switchable, browser: Browser, processes: Processes, tmp_path: Path
) -> None:
    slave, away = ForeignSlave("pymodbus", processes, tmp_path), free_port()
    with switchable.visit(browser, "#/modbus") as page:
        page.get_by_role("switch", name="Modbus TCP master").click()
        expect(page.get_by_text("Pushes after each measuring cycle")).to_be_visible()
        add(page, slave.port, "Boiler")
        add(page, away, "Heat pump")
        boiler = page.locator("tr", has_text="Boiler")
        pump = page.locator("tr", has_text="Heat pump")
        expect(boiler).to_contain_text("OK", timeout=TAKEN_OVER_MS)
        expect(boiler.get_by_role("cell").nth(3)).to_contain_text("ms")
        expect(pump).to_contain_text("Failing")
        expect(pump).to_contain_text(f"127.0.0.1:{away}")
        boiler.get_by_role("button", name="Test Boiler").click()
        expect(boiler.get_by_role("status")).to_contain_text("took 374 registers", timeout=TAKEN_OVER_MS)
        pump.get_by_role("button", name="Test Heat pump").click()
        expect(pump.get_by_role("status")).to_contain_text(f"127.0.0.1:{away}", timeout=TAKEN_OVER_MS)
        boiler.get_by_role("button", name="Edit Boiler").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("More settings").click()
        dialog.get_by_label("Timeout (s)").fill("2.5")
        dialog.get_by_label("Word order").select_option("Low word first")
        dialog.get_by_role("checkbox", name="As for all slaves").uncheck()
        dialog.get_by_role("checkbox", name="Energy values, phases").uncheck()
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Boiler is changed")).to_be_visible()
        first = load(switchable.file).master.slave[0]
        assert (first.timeout_s, first.word_order, first.label) == (2.5, "low_first", "Boiler")
        assert first.groups == ("instantaneous_total", "instantaneous_phases", "energy_total")
        pump.get_by_role("button", name="Delete Heat pump").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("Heat pump is deleted")).to_be_visible()
        expect(pump).to_have_count(0)
        assert [target.label for target in load(switchable.file).master.slave] == ["Boiler"]


def test_an_address_that_is_none_stays_in_the_dialog_with_its_reason(switchable: Switchable, browser: Browser) -> None:
    before = switchable.file.read_text(encoding="utf-8")
    with switchable.visit(browser, "#/modbus") as page:
        page.get_by_role("button", name="Add", exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Address").fill("1.2.3.400")
        dialog.get_by_role("button", name="Add", exact=True).click()
        expect(dialog.get_by_role("alert")).to_contain_text("no IPv4 address, which is four numbers from 0 to 255")
        expect(dialog.get_by_label("Address")).to_have_value("1.2.3.400")
    assert switchable.file.read_text(encoding="utf-8") == before


def test_interval_values_and_groups_are_saved_and_each_group_unfolds(switchable: Switchable, browser: Browser) -> None:
    with switchable.visit(browser, "#/advanced") as page:
        save = page.get_by_role("button", name="Save")
        expect(save).to_be_disabled()
        expect(page.get_by_role("radio", name="Mean values")).to_be_disabled()
        page.get_by_role("radio", name="Fixed interval", exact=True).check()
        interval = page.get_by_label("Interval (ms)")
        interval.fill("99")
        expect(page.get_by_text("Give a whole number from 100 to 86,400,000.")).to_be_visible()
        expect(save).to_be_disabled()
        interval.fill("5000")
        page.get_by_role("radio", name="Mean values").check()
        page.get_by_role("checkbox", name="Energy values, total").uncheck()
        page.get_by_text("Registers 592 to 791").click()
        table = page.get_by_role("table", name="Registers of the group Energy values, phases")
        expect(table.get_by_role("row").nth(1)).to_contain_text("592")
        expect(table).to_contain_text("active_energy_import_l1")
        save.click()
        expect(page.get_by_text("Saved; the master starts again with it")).to_be_visible()
        expect(save).to_be_disabled()
        master = load(switchable.file).master
        assert (master.interval_ms, master.values) == (5000, "mean")
        assert master.groups.names == ("instantaneous_total", "instantaneous_phases", "energy_phases")
        page.reload()
        expect(page.get_by_label("Interval (ms)")).to_have_value("5000")
        expect(page.get_by_role("checkbox", name="Energy values, total")).not_to_be_checked()
