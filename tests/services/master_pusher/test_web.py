"""Web services: what is posted, how it is signed, and what each status means."""

import asyncio
import hashlib
import hmac
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.master_pusher.groups import GROUPS
from services.master_pusher.sender import BusyError, Sent
from services.master_pusher.web import LONGEST_WAIT_S, WebSender, message, retry_after_s, secret, signature
from shared.config.master import Target as Settings
from shared.errors import PeerError
from shared.registers.table import TABLE
from tests.services.master_pusher.samples import SECOND, batch
from tests.services.master_pusher.web_service import WebService

ALL = tuple(GROUPS)


def played(story: Callable[[WebSender, WebService], Awaitable[None]], **settings: Any) -> None:
    async def play(service: WebService) -> None:
        sender = WebSender(Settings(address=f"http://127.0.0.1:{service.port}/in?site=7", **settings), None)
        await story(sender, service)
        sender.close()

    with WebService() as service:
        asyncio.run(play(service))


def test_posts_over_one_connection() -> None:
    async def story(sender: WebSender, service: WebService) -> None:
        await sender.connect()
        for number in range(3):
            assert await sender.send(batch(seq=number), ALL) == Sent()
        assert sender.connected
        assert (len(service.requests), service.connections) == (3, 1)
        path, headers, body = service.requests[-1]
        assert path == "/in?site=7"
        assert headers["Content-Type"] == "application/json"
        assert headers["Host"] == f"127.0.0.1:{service.port}"
        assert headers["Metergate-Delivery"] == json.loads(body)["delivery"] == "house-1-2"
        assert "Authorization" not in headers
        assert "Metergate-Signature" not in headers

    played(story)


def test_a_token_and_a_signature(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "key").write_bytes(b"k\xffy\n")

    async def story(sender: WebSender, service: WebService) -> None:
        await sender.connect()
        await sender.send(batch(), ALL)
        _, headers, body = service.requests[0]
        assert headers["Authorization"] == "Bearer t0ken"
        moment = headers["Metergate-Timestamp"]
        made = hmac.new(b"k\xffy", moment.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["Metergate-Signature"] == f"sha256={made}"
        assert int(moment) > 1_700_000_000

    played(story, token_file=tmp_path / "token", hmac_file=tmp_path / "key")


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (500, {}, r'answered 500 \("sorry"\): it cannot take it now'),
        (429, {"Retry-After": "soon"}, "answered 429 .*the next values are tried"),
        (301, {"Location": "https://other/"}, "it has moved to 'https://other/'; give that address"),
        (401, {}, "check token_file and hmac_file"),
        (404, {}, r'answered 404 \("sorry"\); check address'),
    ],
)
def test_what_a_status_means(status: int, headers: dict[str, str], said: str) -> None:
    async def story(sender: WebSender, service: WebService) -> None:
        service.status, service.headers, service.body = status, headers, b"sorry"
        await sender.connect()
        with pytest.raises(PeerError, match=said):
            await sender.send(batch(), ALL)

    played(story)


def test_who_asks_to_be_left_alone_is() -> None:
    async def story(sender: WebSender, service: WebService) -> None:
        service.status, service.headers = 503, {"Retry-After": "90"}
        await sender.connect()
        with pytest.raises(BusyError, match=r"answered 503: .*wants to be left alone for 90 s") as caught:
            await sender.send(batch(), ALL)
        assert caught.value.pause_s == 90
        assert not sender.connected

    played(story)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("9" * 4000, LONGEST_WAIT_S),
        ("Sun, 22 Nov 2026 21:52:29 GMT", 60),
        ("Sun, 22 Nov 2026 21:50:29 GMT", 0),
        ("Sun, 22 Nov 2096 21:50:29 GMT", LONGEST_WAIT_S),
        ("-1", 0),
        ("soon", 0),
        ("٩", 0),
        ("Sun, 99 Nov 2026 21:52:29 GMT", 0),
        ("", 0),
    ],
)
def test_how_long_that_is(text: str, seconds: float) -> None:
    assert retry_after_s(text, 1_795_384_289.0) == seconds


def test_the_body_holds_registers_and_values() -> None:
    one = batch(mean_ms=2000)
    found = json.loads(message(one, ("instantaneous_total", "energy_total"), 1_795_384_289.5, one.t_ns + SECOND))
    assert found["schema"] == "metergate/push/1"
    assert found["time"] == "2026-11-22T21:51:28.500Z"
    assert (found["meter"], found["mean_ms"], found["delivery"]) == ("house", 2000, "house-1-1-2000")
    total, energy = found["groups"]["instantaneous_total"], found["groups"]["energy_total"]
    assert (total["first"], total["registers"]) == (0, list(range(28)))
    assert (energy["first"], energy["registers"]) == (512, list(range(512, 552)))
    assert total["values"]["supply_frequency"] == (26 << 16 | 27) / 1000
    assert energy["values"].keys() == {row.name for row in TABLE if 512 <= row.address < 552 and row.type != "reserved"}


def test_a_message_is_made_once_for_all_that_want_it() -> None:
    one = batch()

    async def story(sender: WebSender, service: WebService) -> None:
        await sender.connect()
        await sender.send(one, ALL)
        one.web[ALL] = b'{"kept": true}'
        await sender.send(one, ALL)
        assert service.requests[-1][2] == b'{"kept": true}'

    played(story)


def test_secrets_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"cannot be read .*nothing is sent without it"):
        secret(tmp_path / "absent")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(PeerError, match="holds no secret"):
        secret(tmp_path / "empty")


@pytest.mark.timeout(10)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(PeerError, match="is a pipe or a device; put a file there"):
            secret(path)


@pytest.mark.parametrize("content", [b"two\nlines", b"two words", b"\xc3\xa4", b"a\0b"])
def test_a_token_that_fits_into_no_header_is_not_sent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)

    async def story(sender: WebSender, service: WebService) -> None:
        with pytest.raises(PeerError, match="visible ASCII characters, without blanks; nothing is sent"):
            await sender.connect()
        assert service.connections == 0

    played(story, token_file=tmp_path / "token")


def test_the_signature_is_that_of_the_page() -> None:
    assert signature(b"key", "1", b"{}") == "sha256=" + hmac.new(b"key", b"1.{}", hashlib.sha256).hexdigest()
