import pytest

from shared.config.model import Meter
from shared.errors import RefusedError
from shared.registers.lookup import find
from shared.registers.plan import plan_for


@pytest.mark.parametrize("key", ["active_power_import_l1", " Active_Power_Import_L1 ", "40", 40, 41, "0x28", "0X29"])
def test_by_name_and_by_address(key: str | int) -> None:
    assert find(key).name == "active_power_import_l1"


def test_in_the_whole_map_or_in_what_exists() -> None:
    assert find("sensor96_voltage").address == 61475 + 95 * 40
    rows = plan_for(Meter(id="house", source="simulated")).rows
    with pytest.raises(RefusedError, match="no register is named 'sensor96_voltage'"):
        find("sensor96_voltage", rows)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("activ_power_import", "did you mean active_power_import"),
        ("qqqqqqqq", "`metergate registers` lists all"),
        (
            "200",
            "no register at 200 (0x00C8); the one before is minimum_active_power_import at 146, the next is active",
        ),
        ("0xFFFF", "no register at 65535"),
        ("-1", "no register at -1"),
    ],
)
def test_a_miss_says_what_is_close(key: str, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        find(key)
    assert reason in str(caught.value)


def test_nothing_to_look_in() -> None:
    with pytest.raises(RefusedError, match="there are no registers at all"):
        find(3, [])
