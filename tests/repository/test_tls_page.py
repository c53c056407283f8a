"""docs/tls.md: its settings are right, its limits are the ones in the code."""

import re
import tomllib

import pytest

from services.certificate_manager import pending
from services.tls_slave import quarantine
from shared.config.load import parse
from shared.config.model import Slave
from shared.tls.certificate import MAX_DER
from shared.tls.limits import Limits
from tests.support import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "tls.md").read_text(encoding="utf-8")
METER = '\n[[meter]]\nid = "house"\nsource = "simulated"\n'


@pytest.mark.parametrize("text", re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_settings_on_the_page_are_right(text: str) -> None:
    assert tomllib.loads(text)
    parse((text if "[[meter]]" in text else text + METER).encode(), DOCS / "metergate.toml", {})


def test_limits_on_the_page_are_those_of_the_code() -> None:
    limits, slave = Limits(), Slave()
    stay_s = quarantine.STAY_NS // 10**9
    facts = [
        f"{quarantine.MOST} connections, {quarantine.MOST_PER_ADDRESS} for each address, {stay_s} s each",
        f"{pending.MAX_PENDING} certificates, {pending.MAX_PER_ADDRESS} for each address",
        f"new ones at {pending.NEW_PER_S:g} a second",
        f"{limits.deadline_s:g} s; {limits.under_way} at a time, {limits.under_way_per_origin} for each address",
        f"{slave.handshakes_per_s:g} a second, {slave.handshakes_per_s_per_address:g} for each address",
        f"| certificate | {MAX_DER} bytes |",
    ]
    assert [fact for fact in facts if fact not in PAGE] == []
