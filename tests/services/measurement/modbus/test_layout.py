import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.measurement.modbus.layout import Block, Point, Sign
from services.measurement.modbus.registers import Register, Type
from shared.errors import PeerError


def one(quantity: str, address: int, kind: Type = "int16", **more: object) -> Point:
    return Point(quantity, (Register(3, address, kind, marker=-0x8000),), **more)  # type: ignore[arg-type]


def memory(**words: int) -> dict[tuple[int, int], int]:
    return {(3, int(name[1:])): word & 0xFFFF for name, word in words.items()}


@pytest.mark.parametrize(
    ("scale", "value"), [(0.1, 1234.5), (0.001, 12.345), (10, 123450), (-1, -12345), (0.25, 3086.25)]
)
def test_scales_are_exact(scale: float, value: float) -> None:
    assert one("active_power", 1, scale=scale).value(memory(a1=12345), accumulates=False) == value


def test_import_and_export_make_one_signed_value_and_lists_are_added_up() -> None:
    registers = tuple(Register(3, address, "uint16") for address in (1, 2, 3))
    point = Point("active_power", registers[:2], registers[2:], scale=0.1)
    assert point.value(memory(a1=10, a2=20, a3=130), accumulates=False) == -10


@given(st.integers(-10, 10), st.integers(-32767, 32767))
def test_a_scale_factor_belongs_to_its_poll(exponent: int, raw: int) -> None:
    point = one("active_power", 1, factor=Register(3, 2, "int16", marker=-0x8000))
    value = point.value(memory(a1=raw, a2=exponent), accumulates=False)
    assert value == pytest.approx(raw * 10.0**exponent, rel=1e-12)


def test_without_its_scale_factor_a_value_is_not_measured() -> None:
    point = one("active_power", 1, factor=Register(3, 2, "int16", marker=-0x8000))
    assert point.value(memory(a1=5, a2=0x8000), accumulates=False) is None


def test_an_impossible_scale_factor_is_an_error() -> None:
    point = one("active_power", 1, factor=Register(3, 2, "int16"))
    with pytest.raises(PeerError, match="scale factor 11 of active_power"):
        point.value(memory(a1=5, a2=11), accumulates=False)


@pytest.mark.parametrize(
    ("words", "accumulates", "value"),
    [
        ((0, 0), False, None),  # SunSpec's marker
        ((0x8000, 0), False, None),  # a KSEM's
        ((0, 7), False, 7),
        ((0, 0), True, 0),  # it counted before: it was reset, and the store shall see that
        ((0x8000, 0), True, 0x80000000),  # it counted up to there
    ],
)
def test_markers_of_accumulators(words: tuple[int, int], accumulates: bool, value: float | None) -> None:
    point = Point("active_energy_import", (Register(3, 1, "acc32"),))
    assert point.value(memory(a1=words[0], a2=words[1]), accumulates=accumulates) == value


def test_an_accumulator_that_is_the_sum_of_two_may_have_one_at_zero() -> None:
    point = Point("reactive_energy_import", (Register(3, 1, "acc32"), Register(3, 3, "acc32")))
    assert point.value(memory(a1=0, a2=9, a3=0, a4=0), accumulates=False) == 9
    assert point.value(memory(a1=0, a2=9, a3=0x8000, a4=0), accumulates=False) is None


@pytest.mark.parametrize(
    ("sign", "active", "raw", "value"),
    [
        (1, -5, 230, 230),
        (-1, -5, 230, -230),
        ("power", -5, 230, -230),
        ("power", 5, -230, 230),
        ("magnitude", 5, -3, 3),
    ],
)
def test_signs(sign: Sign, active: int, raw: int, value: float) -> None:
    block = Block("b", 3, (one("apparent_power_l2", 2, sign=sign), one("active_power_l2", 1)))
    assert block.values(memory(a1=active, a2=raw), ())["apparent_power_l2"] == value


def test_the_sign_of_power_is_taken_after_it_was_turned_round() -> None:
    block = Block("b", 3, (one("apparent_power", 2, sign="power"), one("active_power", 1, sign=-1)))
    assert block.values(memory(a1=100, a2=120), ()) == {"apparent_power": -120, "active_power": -100}


@pytest.mark.parametrize(
    ("raw", "exponent", "active", "apparent", "value"),
    [
        (985, -3, 985, 1000, 0.985),
        (985, -1, 985, 1000, 0.985),
        (98, 0, 985, 1000, 0.98),
        (9850, -2, -985, 1000, -0.985),
        (98, -2, -985, 1000, -0.98),  # a ratio though SunSpec says percent
        (8, -1, 8, 1000, 0.008),  # percent, nearly all reactive
        (98, -2, 0, 0, 0.98),
        (98, 0, 0, 0, 0.98),
    ],
)
def test_a_power_factor_in_percent_or_as_ratio(
    raw: int, exponent: int, active: int, apparent: int, value: float
) -> None:
    factor = Register(3, 4, "int16")
    pf = one("power_factor", 3, sign="power", factor=factor, percent_or_ratio=True)
    block = Block("b", 3, (pf, one("active_power", 1), one("apparent_power", 2, sign="power")))
    values = block.values(memory(a1=active, a2=apparent, a3=raw, a4=exponent), ())
    assert values["power_factor"] == pytest.approx(value)


def test_a_changed_header_is_an_error() -> None:
    block = Block("b", 3, (one("active_power", 2),)).at(100, (203, 105))
    block.check({(3, 100): 203, (3, 101): 105})
    with pytest.raises(PeerError, match="register 101 held 105 at connect and 104 now"):
        block.check({(3, 100): 203, (3, 101): 104})
