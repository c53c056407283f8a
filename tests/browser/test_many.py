"""No meter, twenty meters, and ten receivers of which none answers: the pages stay open, and say what is so."""

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.accessible import settled, violations
from tests.browser.console import DESKTOP, HOUSEHOLD, PAGES, PHONE, Console, running
from tests.support import free_port, is_listening, wait_for

pytestmark = [pytest.mark.system, pytest.mark.foreign]

METERS: Final = 20
RECEIVERS: Final = 10
ONE: Final = '[[meter]]\nid = "{id}"\nunit = {unit}\nsource = "simulated"\n[meter.simulated]\nstart = "11:30"\n'
SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}


class Bare(Console):
    """Serves no register: ready once its page answers."""

    def start(self) -> None:
        """Without waiting for a value."""
        self.launch()
        wait_for(lambda: is_listening(self.console_port), "the console", 20)


@pytest.mark.parametrize("size", SIZES)
def test_without_a_meter_the_pages_say_how_one_comes(browser: Browser, size: str) -> None:
    with running(lambda folder: Bare(folder, meter="")) as console:
        first = ONE.format(id="cellar", unit=1)
        with console.visit(browser, viewport=SIZES[size], has_touch=size == "phone") as page:
            for name in PAGES:
                settled(page, name)
                expect(page.locator(".notice.bad")).to_have_count(0)
                assert violations(page) == [], name
            for name in ("registers", "live"):
                settled(page, name)
                expect(page.get_by_text("No meter yet")).to_be_visible()
            console.write(f"{console.text()}\n{first}")
            expect(page.get_by_text("No meter yet")).to_have_count(0, timeout=15_000)
            expect(page.get_by_test_id("grid-power")).to_have_text(re.compile(r"\d\skW|\d\sW"), timeout=15_000)


@pytest.mark.parametrize("size", SIZES)
def test_of_twenty_meters_the_chosen_one_is_shown_on_each_page(browser: Browser, size: str) -> None:
    names = [f"apartment-{number:02d}-above-the-shop" for number in range(1, METERS + 1)]
    meters = "\n".join(ONE.format(id=name, unit=unit) for unit, name in enumerate(names, start=1))
    with (
        running(lambda folder: Console(folder, meter=meters)) as console,
        console.visit(browser, viewport=SIZES[size]) as page,
    ):
        settled(page, "live")
        choice = page.get_by_label("Meter", exact=True)
        expect(choice.get_by_role("option")).to_have_count(METERS)
        choice.select_option(names[-1])
        expect(page.get_by_test_id("grid-power")).to_have_text(re.compile(r"\d\skW|\d\sW"))
        settled(page, "registers")
        expect(choice).to_have_value(names[-1])
        expect(page.get_by_text(f"Unit id {METERS}")).to_be_visible()
        for name in PAGES:
            settled(page, name)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
            expect(page.locator(".notice.bad")).to_have_count(0)


@pytest.mark.parametrize("size", SIZES)
def test_ten_receivers_that_are_away_are_ten_rows_with_their_reason(browser: Browser, size: str) -> None:
    ports = [free_port() for _ in range(RECEIVERS)]
    receivers = "\n".join(
        f'[[master.slave]]\naddress = "127.0.0.1"\nport = {port}\nlabel = "Receiver {port}"\n' for port in ports
    )
    with (
        running(lambda folder: Console(folder, HOUSEHOLD, more=f"[master]\nenabled = true\n{receivers}")) as console,
        console.visit(browser, viewport=SIZES[size]) as page,
    ):
        settled(page, "modbus")
        table = page.get_by_role("table", name="Slaves that receive")
        for port in ports:
            row = table.get_by_role("row", name=f"Receiver {port}")
            expect(row).to_contain_text("Failing", timeout=15_000)
            expect(row).to_contain_text(f"no connection to 127.0.0.1:{port}")
        add = page.get_by_role("button", name="Add", exact=True)
        expect(add).to_be_disabled()
        expect(add).to_have_attribute("title", re.compile("10|ten"))
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.locator(".table-wrap[tabindex]").count() == 0, "the table fits"
        assert violations(page) == []
        settled(page, "live")
        expect(page.get_by_text("fresh", exact=True)).to_be_visible()
