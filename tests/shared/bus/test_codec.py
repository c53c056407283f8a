import datetime as dt
import math
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.bus import codec
from shared.bus.codec import MAX_BYTES, MAX_DEPTH, decode, decode_command, decode_reply, encode
from shared.bus.messages import (
    Block,
    Child,
    Command,
    Enforced,
    Event,
    Image,
    Message,
    Processes,
    Published,
    Push,
    Pushes,
    Reply,
    RoleRights,
    Sample,
    Seen,
    Sessions,
    SourceState,
    Trust,
    WallboxSettings,
)
from shared.errors import BusError

STAMP: dict[str, Any] = {"src": "measurement", "gen": 7, "seq": 3, "t_ns": 5, "boot": "b"}
MESSAGES: tuple[Published, ...] = (
    Sample(**STAMP, meter="house", values={"active_power": -1.5}, derived=("a",), texts={"model": "é"}),
    SourceState(**STAMP, meter="house", connected=False, reason="no route"),
    Image(**STAMP, meter="h", unit=1, stale_after_ms=5, blocks=(Block(0, b"\0\1", live=((0, 1),)),), device={0: "x"}),
    Trust(**STAMP, accepted={"ab" * 32: "rw"}, roles=(RoleRights("", (3,), ((0, 9),)),), authorities=b"-----"),
    Seen(**STAMP, fingerprint="ab" * 32, der=b"0", direction="in", address="::1", verdict="PENDING"),
    Enforced(**STAMP, trust_gen=1, trust_seq=2, closed={"ab": 1}),
    WallboxSettings(**STAMP, meter="house", mode=3, min_pv_power_quota=50),
    Event(**STAMP, kind="counter.held", text="t", data={"a": 1, "b": "x", "c": 0.5, "d": True}),
    Sessions(**STAMP, port=502, connections=1, clients={"::1": 3}),
    Pushes(
        **STAMP,
        interval_ms=0,
        values="current",
        slaves=(Push(1, "plc", "modbus://plc:502", "house", ("energy_total",), "ok", exceptions={"energy_phases": 2}),),
    ),
    Processes(**STAMP, children=(Child("measurement", "measurement", "ready", pid=4),)),
)
COMMAND = Command(id=1, verb="restart", args={"role": "x", "deep": {"list": [1, None, 2.5, b"x"]}}, deadline_ns=9)
REPLY = Reply(id=1, ok=True, result={"closed": 3})
DECODERS = (decode, decode_command, decode_reply)


def packed(**fields: Any) -> bytes:
    return bytes(msgpack.packb(fields))


def command(args: Any) -> bytes:
    return packed(type="command/1", id=1, verb="x", deadline_ns=1, args=args)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_published_messages_come_back_as_they_were(message: Published) -> None:
    assert decode(encode(message)) == message


def test_command_and_reply_come_back_as_they_were() -> None:
    assert decode_command(encode(COMMAND)) == COMMAND
    assert decode_reply(encode(REPLY)) == REPLY


def test_every_published_kind_is_tried() -> None:
    assert {type(message) for message in MESSAGES} == set(Published.__args__)


def test_plain_msgpack_reads_it() -> None:
    raw = msgpack.unpackb(encode(MESSAGES[0]))
    assert raw["type"] == "sample/1"
    assert raw["values"] == {"active_power": -1.5}


def test_a_field_of_a_later_version_is_ignored_and_an_absent_one_has_its_default() -> None:
    raw = msgpack.unpackb(encode(MESSAGES[1])) | {"later": [1]}
    del raw["reason"]
    assert decode(packed(**raw)) == msgspec.structs.replace(MESSAGES[1], reason="")


BAD = {
    "nothing": (b"", "Input data was truncated"),
    "no map": (b"\x01", "Expected `object`"),
    "cut": (encode(MESSAGES[0])[:-3], "truncated"),
    "more behind": (encode(MESSAGES[0]) + b"\xc0", "trailing characters"),
    "no tag": (packed(src="a"), "missing required field `type`"),
    "unknown kind": (packed(type="secret/1"), "Invalid value 'secret/1'"),
    "other major": (packed(type="sample/2"), "Invalid value 'sample/2'"),
    "command": (encode(COMMAND), "Invalid value 'command/1'"),
    "field missing": (packed(type="source/1", meter="x", connected=True), "missing required field `src`"),
    "wrong type": (packed(**{**STAMP, "type": "source/1", "meter": 3, "connected": True}), "Expected `str`, got `int`"),
    "truth as number": (packed(**{**STAMP, "gen": True, "type": "source/1"}), "Expected `int`, got `bool`"),
    "extension": (packed(**STAMP, type="event/1", kind=msgpack.ExtType(5, b"x"), text="t"), ""),
    "list of billions": (b"\x82\xa4type\xabprocesses/1\xa8children\xdd\xff\xff\xff\xff", "truncated"),
    "map of billions": (b"\xdf\xff\xff\xff\xff", "truncated"),
    "too large": (b"\0" * (MAX_BYTES + 1), f"of {MAX_BYTES + 1} bytes; at most {MAX_BYTES} are allowed"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_message_is_told_as_a_bus_error(name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(BusError) as caught:
        decode(data)
    assert words in str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_must_be_finite(value: float) -> None:
    sample = msgpack.unpackb(encode(MESSAGES[0])) | {"values": {"active_power": 1.0, "voltage_l1": value}}
    with pytest.raises(BusError, match=r"sample/1 of 'house': voltage_l1 is -?(nan|inf), not a finite number"):
        decode(packed(**sample))
    event = msgpack.unpackb(encode(next(each for each in MESSAGES if isinstance(each, Event)))) | {"data": {"x": value}}
    with pytest.raises(BusError, match=r"event/1: data\.x is"):
        decode(packed(**event))
    with pytest.raises(BusError, match=r"command/1: args\.a\.1\.b is"):
        decode_command(command({"a": [0, {"b": value}]}))
    with pytest.raises(BusError, match=r"reply/1: result\.a is"):
        decode_reply(packed(type="reply/1", id=1, ok=True, result={"a": value}))


@pytest.mark.parametrize(
    "args",
    [
        {"a": msgpack.ExtType(1, b"x")},
        {"a": msgpack.Timestamp(1, 0)},
        {"a": [msgpack.Timestamp(1, 5)]},
        {"a": {1: 2}},
        {"a": {b"x": 2}},
        {1: 2},
        [1],
    ],
)
def test_the_free_part_of_a_command_holds_plain_values_only(args: Any) -> None:
    with pytest.raises(BusError):
        decode_command(command(args))


def nested(depth: int) -> bytes:
    return (
        b"\x85\xa4type\xa9command/1\xa2id\x01\xa4verb\xa1x\xabdeadline_ns\x01\xa4args\x81\xa1a"
        + b"\x91" * depth
        + b"\x01"
    )


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 20_000, MAX_BYTES - 100])
def test_deep_nesting_is_refused(depth: int) -> None:
    with pytest.raises(BusError):
        decode_command(nested(depth))


def test_some_nesting_is_fine() -> None:
    assert decode_command(nested(MAX_DEPTH)).args["a"]


def test_what_the_other_side_would_refuse_is_not_sent() -> None:
    with pytest.raises(BusError, match="Reply of 2"):
        encode(Reply(id=1, ok=True, result={"x": "y" * MAX_BYTES}))
    codec.encode(Reply(id=1, ok=True, result={"x": "y" * (MAX_BYTES - 100)}))


EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # hypothesis adds the zone
plain: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9)
    | st.datetimes(timezones=st.just(dt.UTC), min_value=EPOCH).map(msgpack.Timestamp.from_datetime)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=4)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), inner),
    max_leaves=10,
)
messages: list[Message | Command | Reply] = [*MESSAGES, COMMAND, REPLY]


def only_bus_errors(data: bytes) -> None:
    for decoder in DECODERS:
        try:
            decoder(data)
        except BusError as error:
            assert str(error)  # noqa: PT017  # either outcome is right, another error is not


@given(st.binary(max_size=300))
@example(b"\xc1")
def test_random_bytes_only_ever_raise_bus_error(data: bytes) -> None:
    only_bus_errors(data)


@given(st.sampled_from(messages), st.data())
def test_a_damaged_message_only_ever_raises_bus_error(message: Message | Command | Reply, data: st.DataObject) -> None:
    raw = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    only_bus_errors(bytes(raw))


@given(st.sampled_from(messages), st.data())
def test_any_value_in_any_field_only_ever_raises_bus_error(
    message: Message | Command | Reply, data: st.DataObject
) -> None:
    raw = msgpack.unpackb(encode(message), strict_map_key=False)
    raw[data.draw(st.sampled_from(sorted(raw)))] = data.draw(plain)
    only_bus_errors(bytes(msgpack.packb(raw)))


@given(plain)
def test_what_a_command_carries_is_plain_and_finite(value: Any) -> None:
    try:
        found = decode_command(command({"a": value})).args["a"]
    except BusError:
        return
    assert all(math.isfinite(leaf) for leaf in leaves(found) if isinstance(leaf, float))
    assert not any(isinstance(leaf, dt.datetime | msgspec.msgpack.Ext) for leaf in leaves(found))


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]
