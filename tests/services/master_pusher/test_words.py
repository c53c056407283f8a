"""Refusals in words: what is wrong, and what to do."""

import pytest

from services.master_pusher.batch import Layout, write
from services.master_pusher.master import Refused
from services.master_pusher.words import amount, refusal


def said(code: int, tag: str = "energy_total", start: int = 512, *, function: int = 16, tls: bool = False) -> str:
    request = write(Layout(unit=7, function=function), start, bytes(80), tag)
    return refusal(Refused(request, code), function=function, tls=tls)


@pytest.mark.parametrize(
    ("code", "tag", "start", "part"),
    [
        (1, "energy_total", 512, "does not know function 16 (energy_total: registers 512-551): try function = 6"),
        (2, "energy_total", 512, "the slave has no register 512: enable only total values, or map it"),
        (2, "instantaneous_phases", 40, "the slave has no register 40: enable only total values, or map it"),
        (2, "instantaneous_total", 0, "the slave has no register 0: set base_offset"),
        (3, "energy_phases", 592, "does not take 40 registers at once"),
        (4, "energy_phases", 592, "failed while writing"),
        (6, "energy_phases", 592, "is busy"),
        (11, "energy_phases", 592, "does not reach unit 7"),
        (99, "energy_phases", 592, "exception 99"),
    ],
)
def test_what_is_said(code: int, tag: str, start: int, part: str) -> None:
    assert part in said(code, tag, start)


def test_over_tls_a_slave_may_not_have_accepted_us() -> None:
    assert "accept this gateway's certificate there" in said(1, tls=True)
    assert "try function = 16" in said(1, function=6)


def test_registers_are_counted() -> None:
    assert amount(("instantaneous_total", "energy_phases")) == 228
