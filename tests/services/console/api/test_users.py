"""Users and API tokens."""

import asyncio
from pathlib import Path

from tests.services.console.asked import Bench


def test_tokens_do_what_their_scope_allows_until_they_are_removed(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        made = (await bench.ask("POST", "/tokens", {"name": "grafana", "scope": "read"})).body
        assert made["secret"].startswith("mg_")
        assert made["secret"] not in bench.door.accounts.path.read_text(encoding="utf-8")
        bench.token = made["secret"]
        assert (await bench.ask("GET", "/events")).status == 200
        answer = await bench.ask("POST", "/tokens", {"name": "more", "scope": "admin"})
        assert (answer.status, answer.body["error"]["code"]) == (403, "not_allowed")
        assert (await bench.ask("GET", "/users")).status == 403
        bench.token = ""
        rows = (await bench.ask("GET", "/tokens")).body["tokens"]
        assert [(row["name"], row["scopes"][-1], bool(row["used"])) for row in rows] == [("grafana", "read", True)]
        assert (await bench.ask("DELETE", f"/tokens/{rows[0]['id']}")).status == 200
        assert (await bench.ask("DELETE", f"/tokens/{rows[0]['id']}")).status == 404
        bench.token = made["secret"]
        assert (await bench.ask("GET", "/events")).status == 401

    asyncio.run(story())


def test_users_get_scopes_and_one_admin_stays(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        guest = {"name": "guest", "password": "12345678", "scope": "operate"}
        assert (await bench.ask("POST", "/users", guest)).body["scopes"] == ["view", "read", "operate"]
        assert (await bench.ask("DELETE", "/users/owner")).status == 409
        assert (await bench.ask("POST", "/users", {**guest, "name": "owner"})).status == 409
        own = (bench.cookie, bench.csrf)
        bench.cookie = ""
        bench.keep(await bench.ask("POST", "/session", {"user": "guest", "password": "12345678"}))
        assert (await bench.ask("GET", "/users")).status == 403
        assert len((await bench.ask("GET", "/sessions")).body["sessions"]) == 1, "only one's own"
        theirs = bench.cookie
        bench.cookie, bench.csrf = own
        assert (await bench.ask("DELETE", "/users/guest")).status == 200
        bench.cookie = theirs
        assert (await bench.ask("GET", "/session")).body["state"] == "none"

    asyncio.run(story())


def test_what_cannot_be_written_was_not_done(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        accounts = bench.door.accounts
        accounts.path.with_name("users.json.new").mkdir()  # in the way
        answer = await bench.ask("POST", "/tokens", {"name": "x"})
        assert (answer.status, answer.body["error"]["code"]) == (409, "refused")
        assert not accounts.tokens

    asyncio.run(story())
