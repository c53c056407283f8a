"""Which requests are let through: names, origins, tokens; and what stands on every answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.console.security.guard import cookie_name
from tests.services.console.asked import HOST, ORIGIN, Bench


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"host": "evil.example"}, 421, "host"),
        ({"host": "evil.example:8080"}, 421, "host"),
        ({"host": ""}, 421, "host"),
        ({"host": "127.0.0.1.evil.example"}, 421, "host"),
        ({"origin": "http://evil.example"}, 403, "origin"),
        ({"origin": "null"}, 403, "origin"),
        ({"origin": ""}, 403, "origin"),
        ({"origin": f"{ORIGIN}.evil.example"}, 403, "origin"),
        ({"origin": "http://127.0.0.1:9090"}, 403, "origin"),
        ({"x-metergate-token": ""}, 403, "token"),
        ({"x-metergate-token": "x" * 32}, 403, "token"),
        ({"x-metergate-token": "ä"}, 403, "token"),
        ({"sec-fetch-site": "cross-site"}, 403, "origin"),
        ({"sec-fetch-site": "same-site"}, 403, "origin"),
    ],
)
def test_a_change_that_is_not_from_our_page_is_refused(
    tmp_path: Path, headers: dict[str, str], status: int, code: str
) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        answer = await bench.ask("POST", "/tokens", {"name": "x"}, headers=headers)
        assert (answer.status, answer.body["error"]["code"]) == (status, code)
        assert not bench.door.accounts.tokens
        assert (await bench.ask("POST", "/tokens", {"name": "x"})).status == 200

    asyncio.run(story())


@pytest.mark.parametrize("name", ["localhost:8080", "127.0.0.1", "[::1]:8080", "meter.local", "gateway.lan:8080"])
def test_own_names_and_addresses_are_served(tmp_path: Path, name: str) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, '[console]\nnames = ["gateway.lan"]\n')
        assert (await bench.ask("GET", "/session", headers={"host": name})).status == 200

    asyncio.run(story())


def test_signing_in_needs_our_origin_too(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        for origin in ("", "http://evil.example"):
            answer = await bench.ask("POST", "/session/code", {"code": bench.door.code}, headers={"origin": origin})
            assert (answer.status, answer.body["error"]["code"]) == (403, "origin")

    asyncio.run(story())


def test_a_program_needs_its_token_alone_and_no_page_may_use_it_elsewhere(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        bench.token = (await bench.ask("POST", "/tokens", {"name": "x", "scope": "admin"})).body["secret"]
        assert (await bench.ask("POST", "/tokens", {"name": "y"})).status == 200
        foreign = await bench.ask("POST", "/tokens", {"name": "y"}, headers={"origin": "http://evil.example"})
        assert foreign.status == 403
        for value in (f"Bearer {bench.token}x", "Bearer", "Basic eDp4", "Bearer mg_"):
            answer = await bench.ask("GET", "/events", headers={"authorization": value})
            assert (answer.status, answer.body["error"]["code"]) == (401, "token_unknown"), value

    asyncio.run(story())


def test_without_any_key_one_is_told_to_sign_in(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        for method, path in (("GET", "/live"), ("POST", "/tokens"), ("DELETE", "/users/owner")):
            answer = await bench.ask(method, path, headers={"origin": ""})
            assert (answer.status, answer.body["error"]["code"]) == (401, "sign_in"), path

    asyncio.run(story())


def test_every_answer_says_what_a_browser_must_not_do(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        answers = [
            await bench.ask("GET", "/session"),
            await bench.ask("GET", "/nothing"),
            await bench.ask("GET", "/session", headers={"host": "evil.example"}),
            await bench.ask("GET", "/", api=False),
            await bench.ask("GET", "/metrics", api=False),
        ]
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert not [name for name in answer.headers if name.startswith("access-control")]

    asyncio.run(story())


def test_what_stands_twice_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/session",
            "headers": [(b"host", HOST.encode()), (b"host", b"evil.example")],
            "client": None,
        }
        await bench.app(scope, None, send)
        assert sent[0]["status"] == 400

    asyncio.run(story())


def test_gateways_on_one_machine_do_not_share_a_cookie() -> None:
    assert cookie_name(8080, https=False) != cookie_name(8081, https=False)
    assert cookie_name(8080, https=True).startswith("__Host-")
