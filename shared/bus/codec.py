"""Messages to bytes and back. The bus is not trusted blindly: size, schema and numbers are checked here alone."""

import math
from typing import Any, Final, NoReturn

import msgspec

from shared.bus.messages import Command, Message, Published, Reply, Sample
from shared.errors import BusError

MAX_BYTES: Final = 256 * 1024
"""An image of one meter with all its groups and sensors takes 14 KiB."""

_encoder = msgspec.msgpack.Encoder()


def _no_extension(code: int, data: memoryview) -> NoReturn:
    raise BusError(f"message holds a msgpack extension of type {code} ({len(data)} bytes); none is allowed")


_published: Final = msgspec.msgpack.Decoder(Published, ext_hook=_no_extension)
_command: Final = msgspec.msgpack.Decoder(Command, ext_hook=_no_extension)
_reply: Final = msgspec.msgpack.Decoder(Reply, ext_hook=_no_extension)


def encode(message: Message | Command | Reply) -> bytes:
    """Msgpack bytes of any message: a map with its fields, `type` naming kind and major version."""
    return _encoder.encode(message)


def decode(data: bytes) -> Published:
    """A published message.

    Raises:
        BusError: too large, not msgpack, of an unknown kind, against the schema, or with a number that is not finite.
    """
    message = _decode(_published, data)
    if isinstance(message, Sample):
        for name, value in message.values.items():
            if not math.isfinite(value):
                raise BusError(f"sample/1 of {message.meter!r}: {name} is {value}, not a finite number")
    return message  # type: ignore[no-any-return]  # the decoder is generic over a union, which mypy cannot carry


def decode_command(data: bytes) -> Command:
    """A command; raises BusError as `decode`."""
    return _decode(_command, data)  # type: ignore[no-any-return]  # as above


def decode_reply(data: bytes) -> Reply:
    """A reply; raises BusError as `decode`."""
    return _decode(_reply, data)  # type: ignore[no-any-return]  # as above


def _decode(decoder: msgspec.msgpack.Decoder[Any], data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise BusError(f"message of {len(data)} bytes; at most {MAX_BYTES} are allowed")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BusError(f"malformed message: {error}") from error
