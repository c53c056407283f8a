"""Certificates, as the owner of a gateway decides about them: a client knocks, is let in, is cut off."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared.tls.certificate import fingerprint
from tests.browser.console import Guarded
from tests.shared.tls.material import Made, make
from tests.support import wait_for
from tests.system.tls import TlsClient
from tests.system.wire import ModbusError

pytestmark = [pytest.mark.system, pytest.mark.foreign]

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def reads(client: TlsClient) -> bool:
    """Whether it is given data."""
    try:
        return len(client.read(0, 2)) == 2
    except ModbusError:
        return False


def served(gateway: Guarded, identity: Path) -> TlsClient | None:
    """A new connection that is given data at once, or none."""
    client = TlsClient(gateway.tls_port, identity)
    if reads(client):
        return client
    client.close()
    return None


def row_of(page: Page, name: str) -> Locator:
    """Its row in the list."""
    return page.locator("tbody tr", has=page.get_by_text(name, exact=True))


def grouped(made: Made) -> str:
    """Its fingerprint as the page shows it."""
    return " ".join(re.findall("....", fingerprint(made.der).upper()))


def accept(page: Page, name: str, rights: str = "Read and write") -> None:
    """By its button and the dialog."""
    row_of(page, name).get_by_role("button", name=f"Accept {name}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name=rights).check()
    dialog.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_text(f"{name} is accepted")).to_be_visible()


def test_a_client_that_knocks_appears_is_accepted_gets_data_and_is_cut_off(guarded: Guarded, browser: Browser) -> None:
    made = make("heat pump")
    name = "CN=heat pump"
    with guarded.visit(browser, "#/certificates") as page:
        expect(page.get_by_text("No certificate yet")).to_be_visible()
        with guarded.knock(made) as client:
            row = row_of(page, name)
            expect(row).to_contain_text("Not accepted")
            expect(row.get_by_role("list", name="SHA-256 fingerprint").get_by_role("listitem")).to_have_text(
                grouped(made).split()
            )
            expect(page.get_by_role("link", name="Certificates")).to_contain_text("1")
            accept(page, name)
            expect(row).to_contain_text("Read and write")
            wait_for(lambda: reads(client), "data")
            row.get_by_role("button", name=f"Delete {name}").click()
            dialog = page.get_by_role("dialog")
            expect(dialog).to_contain_text("1 connection is open with it. It is cut at once.")
            dialog.get_by_role("button", name="Delete").click()
            expect(page.get_by_text(f"{name} is deleted, 1 connection was cut")).to_be_visible()
            client.wait_cut()
        expect(row).to_have_count(0)
        with guarded.knock(made):
            expect(row).to_contain_text("Not accepted")
        row.get_by_role("button", name=f"Details of {name}").click()
        page.get_by_role("dialog").get_by_role("button", name="Take off the list").click()
        expect(row).to_have_count(0)


def test_a_hostile_name_is_text_wherever_it_stands(guarded: Guarded, browser: Browser) -> None:
    made = make(HOSTILE)
    with guarded.visit(browser, "#/certificates") as page, guarded.knock(made):
        page.on("dialog", lambda dialog: pytest.fail(f"the name was run: {dialog.message}"))
        name = f"CN={HOSTILE}".replace("<", r"\<").replace(">", r"\>")  # as a distinguished name is written
        row = row_of(page, name)
        expect(row).to_be_visible()
        accept(page, name, "Read only")
        expect(row).to_contain_text("Read only")
        row.get_by_role("button", name=f"Details of {name}").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text(name)
        label = "</title><script>alert(3)</script>"
        dialog.get_by_label("Name", exact=True).fill(label)
        dialog.get_by_role("button", name="Rename").click()
        expect(dialog.get_by_role("heading")).to_have_text(label)
        page.keyboard.press("Escape")
        expect(row_of(page, label)).to_contain_text(name)
        page.goto(f"{guarded.url}#/events")
        expect(page.get_by_text(label).first).to_be_visible()
        assert page.locator("main img, main script").count() == 0


def test_another_fingerprint_than_the_devices_cannot_be_accepted(guarded: Guarded, browser: Browser) -> None:
    made, other = make("boiler"), make("boiler")
    name = "CN=boiler"
    with guarded.visit(browser, "#/certificates") as page, guarded.knock(made):
        row_of(page, name).get_by_role("button", name=f"Accept {name}").click()
        dialog = page.get_by_role("dialog")
        compare = dialog.get_by_label("Fingerprint that the device shows")
        yes = dialog.get_by_role("button", name="Accept", exact=True)
        compare.fill(grouped(other))
        expect(dialog.get_by_text("They differ.")).to_be_visible()
        expect(yes).to_be_disabled()
        compare.fill(f"sha256 Fingerprint={grouped(made).replace(' ', ':')}")
        expect(dialog.get_by_text("Both are equal.")).to_be_visible()
        expect(yes).to_be_enabled()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(row_of(page, name)).to_contain_text("Not accepted")


def test_a_known_authority_lets_in_and_one_of_its_certificates_is_blocked(guarded: Guarded, browser: Browser) -> None:
    authority = make("Home CA", ca=True)
    vouched = make("charger", issuer=authority)
    name = "CN=charger"
    with guarded.visit(browser, "#/certificates") as page:
        page.get_by_role("button", name="Add authority").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Certificate of the authority").fill(make("no CA").pem.decode())
        dialog.get_by_label("File name").fill("home")
        dialog.get_by_role("button", name="Add", exact=True).click()
        refused = page.get_by_role("status").get_by_text("CN=no CA is no CA certificate")
        expect(refused).to_be_visible()
        dialog.get_by_label("Certificate of the authority").fill(authority.pem.decode())
        dialog.get_by_role("button", name="Add", exact=True).click()
        expect(row_of(page, "CN=Home CA")).to_contain_text("home.pem")
        identity = vouched.save(guarded.folder, authority)
        client = wait_for(lambda: served(guarded, identity), "the slave knows the authority")
        assert client
        with client:
            row = row_of(page, name)
            expect(row).to_contain_text("Accepted (CA)")
            row.get_by_role("button", name=f"Block {name}").click()
            dialog.get_by_role("button", name="Block").click()
            expect(row).to_contain_text("Blocked")
            client.wait_cut()
        row.get_by_role("button", name=f"Unblock {name}").click()
        dialog.get_by_role("button", name="Unblock").click()
        expect(row).to_have_count(0)
        page.get_by_role("button", name="Remove CN=Home CA").click()
        dialog.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("No authority is known.")).to_be_visible()


def test_our_own_certificate_is_given_away_requested_and_renewed_after_a_warning(
    guarded: Guarded, browser: Browser, tmp_path: Path
) -> None:
    with guarded.visit(browser, "#/certificates") as page:
        own = page.get_by_role("region", name="Own certificate")
        with page.expect_download() as started:
            own.get_by_role("link", name="Download both").click()
        started.value.save_as(tmp_path / "own.pem")
        assert (tmp_path / "own.pem").read_text(encoding="ascii").count("BEGIN CERTIFICATE") == 2
        own.get_by_role("button", name="Request for your authority").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Make request").click()
        expect(dialog.locator("pre")).to_contain_text("BEGIN CERTIFICATE REQUEST")
        page.keyboard.press("Escape")
        first = own.get_by_role("list", name="SHA-256 fingerprint").first
        before = first.inner_text()
        own.get_by_role("button", name="Renew").click()
        yes = dialog.get_by_role("button", name="Make new keys")
        expect(yes).to_be_disabled()
        dialog.get_by_role("checkbox").check()
        yes.click()
        expect(page.get_by_text("New keys are in use.")).to_be_visible()
        expect(first).not_to_have_text(before, use_inner_text=True)
