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


def test_who_was_removed_does_not_come_back_by_changing_his_password(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        await bench.ask("POST", "/users", {"name": "guest", "password": "12345678", "scope": "admin"})
        owner = (bench.cookie, bench.csrf)
        bench.cookie = ""
        bench.keep(await bench.ask("POST", "/session", {"user": "guest", "password": "12345678"}))
        change = {"new": "another horse", "current": "12345678"}
        late = asyncio.create_task(bench.ask("PUT", "/password", change))
        again = asyncio.create_task(bench.ask("POST", "/session", {"user": "guest", "password": "12345678"}))
        await asyncio.sleep(0)  # both are being looked at
        bench.cookie, bench.csrf = owner
        assert (await bench.ask("DELETE", "/users/guest")).status == 200
        assert (await late).status in {403, 409}
        assert (await again).status == 401
        assert [row["name"] for row in (await bench.ask("GET", "/users")).body["users"]] == ["owner"]
        assert {each.user for each in bench.door.sessions()} == {"owner"}

    asyncio.run(story())


def test_of_two_admins_who_both_go_at_once_one_stays(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        await bench.ask("POST", "/users", {"name": "second", "password": "12345678", "scope": "admin"})
        demoted = {"name": "owner", "password": "12345678", "scope": "read"}
        answers = await asyncio.gather(bench.ask("POST", "/users", demoted), bench.ask("DELETE", "/users/second"))
        assert [each.status for each in answers] == [409, 200]
        assert [each.scope for each in bench.door.accounts.users.values()] == ["admin"]

    asyncio.run(story())


def test_the_name_of_a_token_is_text_and_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        made = await bench.ask("POST", "/tokens", {"name": "<b>\u202e\r\n\x1b[31m", "scope": "read"})
        assert made.body["token"]["name"] == "<b>\ufffd\ufffd\ufffd\ufffd[31m"

    asyncio.run(story())
