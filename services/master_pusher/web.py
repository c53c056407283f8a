"""The sender to web services: the same groups as a JSON POST (docs/web-receivers.md).

The message is made once for all services that want the same groups; what differs is the signature and its time.
"""

import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from services.master_pusher.batch import Batch
from services.master_pusher.groups import GROUPS
from services.master_pusher.http import Answer, Exchange
from services.master_pusher.sender import BusyError, Line, Sent
from shared import clock
from shared.config.master import GroupName, Target
from shared.config.toml import content_of
from shared.errors import ConfigError, PeerError
from shared.registers.decode import decode_rows, words_of
from shared.registers.identity import SOFTWARE_VERSION

if TYPE_CHECKING:
    from shared.tls.outward import Outward

SCHEMA: Final = "metergate/push/1"
MAX_SECRET: Final = 4096
LONGEST_WAIT_S: Final = 3600.0
_BUSY: Final = frozenset((408, 425, 429))


class WebSender:
    """See `sender.Sender`.

    Args:
        settings: the receiver's table.
        outward: makes TLS connections.
        wall_s: seconds since 1970.
    """

    def __init__(self, settings: Target, outward: "Outward | None", wall_s: Callable[[], float] = time.time) -> None:
        self._line = Line(settings, outward)
        self._settings = settings
        self._wall_s = wall_s
        self._exchange: Exchange | None = None
        self._token = ""
        self._key = b""

    @property
    def connected(self) -> bool:
        """See `Sender`."""
        return self._exchange is not None and self._exchange.usable

    @property
    def fingerprint(self) -> str:
        """See `Sender`."""
        return self._line.fingerprint

    async def connect(self) -> None:
        """See `Sender`. The secrets are read again, so that new ones need no restart."""
        self.close()
        settings = self._settings
        self._token = "" if settings.token_file is UNSET else token(settings.token_file)
        self._key = b"" if settings.hmac_file is UNSET else secret(settings.hmac_file)
        exchange = Exchange(self._line.receiver.place)
        self._exchange = exchange
        await self._line.open(lambda: exchange)

    async def send(self, batch: Batch, names: tuple[GroupName, ...]) -> Sent:
        """See `Sender`."""
        if self._exchange is None:
            raise PeerError(f"no connection to {self._line.receiver.place}")
        self._line.check()
        body = batch.web.get(names)
        if body is None:
            body = batch.web[names] = message(batch, names, self._wall_s(), clock.now_ns())
        headers = self._headers(batch, body)
        answer = await self._exchange.post(self._line.receiver.path, headers, body, self._line.timeout_s)
        if not 200 <= answer.status < 300:
            self._refused(answer)
        return Sent()

    def close(self) -> None:
        """See `Sender`."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None

    def _headers(self, batch: Batch, body: bytes) -> list[tuple[str, str]]:
        headers = [
            ("Host", self._line.receiver.place),
            ("User-Agent", f"metergate/{SOFTWARE_VERSION}"),
            ("Content-Type", "application/json"),
            ("Accept", "*/*"),
            ("Metergate-Delivery", batch.delivery),
        ]
        if self._token:
            headers.append(("Authorization", f"Bearer {self._token}"))
        if self._key:
            moment = str(int(self._wall_s()))
            headers += [("Metergate-Timestamp", moment), ("Metergate-Signature", signature(self._key, moment, body))]
        return headers

    def _refused(self, answer: Answer) -> None:
        """Raises in any case."""
        place, status = self._line.receiver.place, answer.status
        said = f' ("{answer.text}")' if answer.text else ""
        if status in _BUSY or status >= 500:
            text = f"{place} answered {status}{said}: it cannot take it now"
            wait = retry_after_s(answer.headers.get("retry-after", ""), self._wall_s())
            if wait:
                self.close()
                raise BusyError(f"{text}, and wants to be left alone for {wait:.0f} s", wait)
            raise PeerError(f"{text}; the next values are tried")
        if 300 <= status < 400:
            where = answer.headers.get("location", "another address")[:200]
            raise PeerError(f"{place} answered {status}: it has moved to {where!r}; give that address")
        if status in (401, 403):
            self.close()  # the next connection reads the secrets anew
            raise PeerError(f"{place} answered {status}{said}: check token_file and hmac_file")
        raise PeerError(f"{place} answered {status}{said}; check address")


def message(batch: Batch, names: tuple[GroupName, ...], wall_s: float, now_ns: int) -> bytes:
    """The body: what stands in docs/web-receivers.md.

    Args:
        batch: what is pushed.
        names: groups in it.
        wall_s: seconds since 1970, now.
        now_ns: CLOCK_BOOTTIME, now.
    """
    measured_s = wall_s - (now_ns - batch.t_ns) / 1e9
    groups: dict[str, Any] = {}
    for name in names:
        group, data = GROUPS[name], batch.data[name]
        readings = decode_rows(group.rows, group.start, data)
        groups[name] = {
            "first": group.start,
            "registers": words_of(data),
            "values": {
                reading.row.name: reading.value for reading in readings if reading.row.type not in ("reserved", "pad")
            },
        }
    return msgspec.json.encode(
        {
            "schema": SCHEMA,
            "meter": batch.meter,
            "time": datetime.fromtimestamp(measured_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "delivery": batch.delivery,
            "mean_ms": batch.mean_ms,
            "groups": groups,
        }
    )


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the time, a dot and the body, as `sha256=` and hex."""
    return f"sha256={hmac.new(key, timestamp.encode() + b'.' + body, 'sha256').hexdigest()}"


def retry_after_s(text: str, wall_s: float) -> float:
    """What `Retry-After` asks for, at most an hour; 0 where it says nothing that can be followed."""
    if text.isascii() and text.isdigit():
        wait = float(text[:9])
    else:
        try:
            wait = parsedate_to_datetime(text).timestamp() - wall_s
        except (ValueError, OverflowError):
            return 0.0
    return min(max(wait, 0.0), LONGEST_WAIT_S)


def token(path: Path) -> str:
    """A bearer token: a secret that fits into a header.

    Raises:
        PeerError: as `secret`, or it has characters that do not.
    """
    text = secret(path).decode("latin-1")
    if not all("!" <= each <= "~" for each in text):
        raise PeerError(f"{path}: a token consists of visible ASCII characters, without blanks; nothing is sent")
    return text


def secret(path: Path) -> bytes:
    """The content of a secret's file, without the line's end.

    Raises:
        PeerError: it cannot be read, is no file, or is empty or large.
    """
    try:
        content = content_of(path).strip()
    except ConfigError as error:
        raise PeerError(f"{error}; nothing is sent without it") from error
    except OSError as error:
        raise PeerError(f"{path}: cannot be read ({error.strerror}); nothing is sent without it") from error
    if not content or len(content) > MAX_SECRET:
        raise PeerError(f"{path}: holds no secret of 1 to {MAX_SECRET} bytes; nothing is sent without it")
    return content
