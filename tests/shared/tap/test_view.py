"""What a person or a script sees of a message, whatever is in it."""

import json
from datetime import datetime
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.codec import MAX_BYTES, encode
from shared.bus.messages import Block, Event, Image, Sample
from shared.errors import BusError
from shared.tap.recording import Entry
from shared.tap.view import LONGEST_LINE, View, decode, plain

AT = datetime(2026, 1, 2, 3, 4, 5, 678900)  # noqa: DTZ001  # shown as it is
VIEW = View("here")
MS = 1_000_000

leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(max_size=30)
contents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=4),
    max_leaves=12,
)


def line(content: Any, topic: bytes = b"sample/house", view: View = VIEW, t_ns: int = 10 * MS) -> str:
    return view.line("measurement", Entry(t_ns, topic, msgpack.packb(content)), AT)


def test_a_sample_tells_its_age_and_its_values() -> None:
    message = Sample(
        src="measurement", gen=1, seq=7, t_ns=8_500_000, boot="here", meter="house", values={"active_power": 1234.5}
    )
    assert VIEW.line("measurement", Entry(10 * MS, b"sample/house", encode(message)), AT) == (
        "03:04:05.678 measurement sample/house #7 1.5 ms old values={active_power=1234.5} simulated=False period_ms=0"
    )


def test_of_many_values_the_active_power_comes_first_and_phases_last() -> None:
    names = ["voltage_l1", *(f"sensor{number}" for number in range(20)), "active_power"]
    shown = line({"values": dict.fromkeys(names, 1)})
    assert shown.split("values=")[1].startswith("{active_power=1 sensor0=1 ")
    assert shown.endswith("+10 more}")
    whole = line({"values": dict.fromkeys(names, 1)}, view=View("here", verbose=True))
    assert whole.endswith("sensor19=1 voltage_l1=1}")


def test_an_image_is_summarised_and_says_when_it_is_stale() -> None:
    message = Image(
        src="s", gen=1, seq=1, t_ns=1, boot="here", meter="house", unit=1, stale_after_ms=5000,
        blocks=(Block(0, bytes(296)), Block(512, b"\x12\x34")),
    )  # fmt: skip
    entry = Entry(5001 * MS + 1, b"image/house", encode(message))
    short = VIEW.line("register-store", entry, AT)
    assert "2 blocks, 149 registers: 0+148 512+1" in short
    assert "5.0 s old STALE" in short
    assert "512+1=1234" in View("here", verbose=True).line("register-store", entry, AT)


def test_an_image_without_a_sample_has_no_age() -> None:
    assert "no sample yet" in line({"t_ns": 0, "boot": "here"})


def test_an_age_of_another_boot_is_not_invented() -> None:
    assert "age unknown" in line({"t_ns": 5, "boot": "elsewhere"})


def test_an_event_shows_its_sentence_in_its_colour() -> None:
    message = Event(src="s", gen=1, seq=1, t_ns=5, kind="counter.held", level="error", text="held back")
    text = View("here", colour=True).line("register-store", Entry(6, b"event/", encode(message)), AT)
    assert "\x1b[31mevent/\x1b[0m" in text
    assert "kind=counter.held held back" in text


def test_messages_of_any_version_are_shown() -> None:
    assert "new_field=[1 2]" in line({"type": "sample/99", "new_field": [1, 2]})


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "a\nb", "a\rb", "\x07", "\x9b31m", "\u202eevil", "\0", "\u2028"])
def test_a_terminal_obeys_nothing_that_is_in_a_message(text: str) -> None:
    for where in ({"text": text}, {text: 1}, {"a": {text: [text]}}, text, {"level": text}, {"seq": text}):
        for view in (VIEW, View("here", verbose=True)):
            shown = line(where, view=view)
            assert shown.isprintable()
            assert shown != line({})


@given(contents, st.binary(max_size=40))
def test_any_content_is_one_printable_line_and_one_json_object(content: Any, topic: bytes) -> None:
    entry = Entry(10, topic, msgpack.packb(content))
    assert VIEW.line("i", entry, AT).isprintable()
    assert View("here", verbose=True).line("i", entry, AT).isprintable()
    shown = VIEW.json("i", entry, AT)
    assert shown.isascii()
    assert shown.isprintable()

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    assert "message" in json.loads(shown, parse_constant=no_constant)


@given(st.binary(max_size=300))
def test_any_bytes_are_shown(payload: bytes) -> None:
    entry = Entry(10, b"x", payload)
    assert VIEW.line("i", entry, AT).isprintable()
    json.loads(VIEW.json("i", entry, AT))


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x81", b"\x91" * 2000 + b"\x01", b"\x81\x81\x01\x02\x03"])
def test_what_is_no_message_says_so(payload: bytes) -> None:
    entry = Entry(10, b"x", payload)
    assert "no msgpack" in VIEW.line("i", entry, AT)
    found = json.loads(VIEW.json("i", entry, AT))
    assert found["error"].startswith("no msgpack")
    assert bytes.fromhex(found["payload"]) == payload


def test_depth_and_length_are_bounded() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    assert "..." in line({"a": deep})
    assert "..." in VIEW.json("i", Entry(1, b"t", msgpack.packb({"a": deep})), AT)
    assert len(line({f"k{i}": "v" * 300 for i in range(60)})) < LONGEST_LINE + 200
    with pytest.raises(BusError, match="at most"):
        decode(bytes(MAX_BYTES + 1))


def test_json_carries_the_fields_and_the_age() -> None:
    found = json.loads(
        VIEW.json("i", Entry(10 * MS, b"t/k", msgpack.packb({"t_ns": 9 * MS, "boot": "here", "b": b"\1"})), AT)
    )
    assert found["message"] == {"t_ns": 9 * MS, "boot": "here", "b": "01"}
    assert (found["topic"], found["instance"], found["age_ms"]) == ("t/k", "i", 1.0)


@given(st.text(), st.integers(1, 50))
def test_plain_text_is_printable_and_bounded(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert shown.isprintable()
    assert len(shown) <= 10 * limit + 40
