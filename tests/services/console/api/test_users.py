"""Users and API tokens."""

import asyncio
from pathlib import Path

from tests.services.console.asked import PASSWORD, Bench


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
        assert {each.user for each in bench.door.sessions.opened()} == {"owner"}

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


def test_tokens_outlive_another_password_unless_they_shall_not(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        made = [(await bench.ask("POST", "/tokens", {"name": name, "scope": "admin"})).body for name in ("a", "b")]
        ended: list[str] = []
        bench.door.sessions.on_ended = ended.append
        change = {"new": "another horse", "current": PASSWORD}
        bench.keep(await bench.ask("PUT", "/password", change))
        assert len((await bench.ask("GET", "/tokens")).body["tokens"]) == 2, "they are listed, each can be removed"
        assert len(ended) == 1, "the session alone"
        bench.token = made[0]["secret"]
        third = (await bench.ask("POST", "/tokens", {"name": "of a program"})).body
        assert third["token"]["created_by"] == "owner", "who answers for the program answers for what it makes"
        bench.token = ""
        thorough = {"new": PASSWORD, "current": "another horse", "revoke_tokens": True}
        bench.keep(await bench.ask("PUT", "/password", thorough))
        assert (await bench.ask("GET", "/tokens")).body["tokens"] == []
        assert len(ended) == 5, "their streams end with them"
        for each in (*made, third):
            bench.token = each["secret"]
            assert (await bench.ask("GET", "/events")).status == 401
        bench.token = ""
        records = (await bench.ask("GET", "/audit?what=password.set")).body["records"]
        assert records[0]["result"] == "changed; API tokens removed: a, b, of a program"

    asyncio.run(story())


def test_a_token_goes_with_its_user_and_never_may_more_than_he(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        guest = {"name": "guest", "password": "12345678", "scope": "admin"}
        await bench.ask("POST", "/users", guest)
        owner = (bench.cookie, bench.csrf)
        bench.cookie = ""
        bench.keep(await bench.ask("POST", "/session", {"user": "guest", "password": "12345678"}))
        secret = (await bench.ask("POST", "/tokens", {"name": "his", "scope": "admin"})).body["secret"]
        bench.cookie, bench.csrf = owner
        await bench.ask("POST", "/users", {**guest, "scope": "read"})
        (row,) = (await bench.ask("GET", "/tokens")).body["tokens"]
        assert (row["created_by"], row["scopes"]) == ("guest", ["view", "read"])
        bench.token = secret
        assert (await bench.ask("GET", "/events")).status == 200
        assert (await bench.ask("GET", "/users")).status == 403, "he is no admin any more"
        bench.token = ""
        assert (await bench.ask("DELETE", "/users/guest")).status == 200
        assert (await bench.ask("GET", "/tokens")).body["tokens"] == []
        bench.token = secret
        assert (await bench.ask("GET", "/events")).status == 401
        bench.token = ""
        await bench.ask("POST", "/users", guest)  # another one of that name
        bench.token = secret
        assert (await bench.ask("GET", "/events")).status == 401
        assert secret not in bench.door.accounts.path.read_text(encoding="utf-8")

    asyncio.run(story())


def test_an_admin_may_end_what_anothers_programs_do(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        secret = (await bench.ask("POST", "/tokens", {"name": "own"})).body["secret"]
        own: dict[str, object] = {"name": "owner", "password": "12345678", "scope": "admin", "revoke_tokens": True}
        assert (await bench.ask("POST", "/users", own)).status == 200
        bench.token = secret
        assert (await bench.ask("GET", "/events")).status == 401

    asyncio.run(story())
