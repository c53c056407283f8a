"""Messages to bytes and back. The bus is not trusted blindly: size, schema and numbers are checked here alone."""

import math
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import msgspec

from shared.bus.messages import Command, Event, Message, Published, Reply, Sample
from shared.errors import BusError

MAX_BYTES: Final = 256 * 1024
"""An image of one meter with all its groups and sensors takes 14 KiB."""

MAX_DEPTH: Final = 8
"""Containers within containers in the free part of a message: `args`, `result`, `data`."""

_encoder = msgspec.msgpack.Encoder()


def _no_extension(code: int, data: memoryview) -> NoReturn:
    raise BusError(f"message holds a msgpack extension of type {code} ({len(data)} bytes); none is allowed")


_published: Final = msgspec.msgpack.Decoder(Published, ext_hook=_no_extension)
_command: Final = msgspec.msgpack.Decoder(Command, ext_hook=_no_extension)
_reply: Final = msgspec.msgpack.Decoder(Reply, ext_hook=_no_extension)


def encode(message: Message | Command | Reply) -> bytes:
    """Msgpack bytes of any message: a map with its fields, `type` naming kind and major version.

    Raises:
        BusError: it is too large for the other side, which would end the connection.
    """
    data = _encoder.encode(message)
    if len(data) > MAX_BYTES:
        raise BusError(f"{type(message).__name__} of {len(data)} bytes; at most {MAX_BYTES} are allowed")
    return data


def decode(data: bytes) -> Published:
    """A published message.

    Raises:
        BusError: too large, not msgpack, of an unknown kind, against the schema, or with a number that is not finite.
    """
    message = _decode(_published, data)
    if isinstance(message, Sample):
        if not all(map(math.isfinite, message.values.values())):
            _check_free(message.values, f"sample/1 of {message.meter!r}: ")
    elif isinstance(message, Event):
        _check_free(message.data, "event/1: data.")
    return message  # type: ignore[no-any-return]  # the decoder is generic over a union, which mypy cannot carry


def decode_command(data: bytes) -> Command:
    """A command; raises BusError as `decode`."""
    request = _decode(_command, data)
    _check_free(request.args, "command/1: args.")
    return request  # type: ignore[no-any-return]  # as above


def decode_reply(data: bytes) -> Reply:
    """A reply; raises BusError as `decode`."""
    reply = _decode(_reply, data)
    _check_free(reply.result, "reply/1: result.")
    return reply  # type: ignore[no-any-return]  # as above


def _decode(decoder: msgspec.msgpack.Decoder[Any], data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise BusError(f"message of {len(data)} bytes; at most {MAX_BYTES} are allowed")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BusError(f"malformed message: {error}") from error


def _check_free(values: Mapping[str, Any], place: str, depth: int = 0) -> None:
    """Refuse what no schema bounds: numbers that are not finite, timestamps (a msgpack extension), deep nesting."""
    if depth > MAX_DEPTH:
        raise BusError(f"{place}: more than {MAX_DEPTH} containers in each other")
    for name, value in values.items():
        match value:
            case float():
                if not math.isfinite(value):
                    raise BusError(f"{place}{name} is {value}, not a finite number")
            case None | bool() | int() | str() | bytes():
                pass
            case list():
                _check_free({str(index): item for index, item in enumerate(value)}, f"{place}{name}.", depth + 1)
            case dict() if all(isinstance(key, str) for key in value):
                _check_free(value, f"{place}{name}.", depth + 1)
            case _:
                raise BusError(f"{place}{name} is a {type(value).__name__}, or a map with other keys than texts")
