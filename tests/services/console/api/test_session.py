"""Coming in: the set-up code, the first password, signing in and out, sessions of others."""

import asyncio
from pathlib import Path

from services.console.security.accounts import MOST_PAST, MOST_SESSIONS
from services.console.security.attempts import BURST
from tests.services.console.asked import PASSWORD, Bench

OWN = {"user": "owner", "password": PASSWORD}


def test_the_code_lets_see_and_the_first_password_lets_change(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        nobody = await bench.ask("GET", "/session")
        assert (nobody.body["state"], nobody.body["password_set"], nobody.body["gateway"]) == ("none", False, None)
        assert (await bench.ask("GET", "/live")).status == 401
        code = bench.door.code
        wrong = await bench.ask("POST", "/session/code", {"code": "AAAA-AAAA-AAAA"})
        assert (wrong.status, wrong.body["error"]["code"]) == (401, "wrong_code")
        typed = code.replace("-", " ").lower()
        viewer = bench.keep(await bench.ask("POST", "/session/code", {"code": typed}))
        assert (viewer.body["state"], viewer.body["scopes"]) == ("viewer", ["view"])
        assert (await bench.ask("GET", "/live")).status == 200
        assert (await bench.ask("GET", "/events")).status == 403, "the code shows live values, no more"
        assert (await bench.ask("POST", "/tokens", {"name": "x"})).status == 403
        old = bench.cookie
        owner = bench.keep(await bench.ask("PUT", "/password", {"new": PASSWORD}))
        assert (owner.body["state"], owner.body["user"], owner.body["scopes"][-1]) == ("user", "owner", "admin")
        assert bench.door.code == ""
        assert (await bench.ask("POST", "/session/code", {"code": code}, headers={"cookie": ""})).status == 409
        bench.cookie, new = old, bench.cookie
        assert (await bench.ask("GET", "/live")).status == 401, "what the code let in ended with it"
        bench.cookie = new
        assert (await bench.ask("GET", "/events")).status == 200

    asyncio.run(story())


def test_the_cookie_is_for_this_page_alone(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        cookie = (await bench.sign_up()).headers["set-cookie"]
        assert cookie.startswith("metergate_8080=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Secure" not in cookie

    asyncio.run(story())


def test_under_https_the_cookie_never_goes_another_way(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, '[console]\ntls = "on"\n')
        answer = await bench.ask(
            "POST", "/session/code", {"code": bench.door.code}, headers={"origin": "https://127.0.0.1:8080"}
        )
        assert answer.headers["set-cookie"].startswith("__Host-metergate_8080=")
        assert "; Secure" in answer.headers["set-cookie"]

    asyncio.run(story())


def test_a_user_signs_in_and_out_and_survives_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        first = Bench(tmp_path)
        await first.sign_up()
        bench = Bench(tmp_path)
        assert bench.door.code == "", "there is a password"
        bench.cookie, bench.csrf = first.cookie, first.csrf
        assert (await bench.ask("GET", "/session")).body["user"] == "owner"
        assert (await bench.ask("DELETE", "/session")).status == 200
        assert (await bench.ask("GET", "/session")).body["state"] == "none"
        bench.cookie = ""
        for user, password in (("owner", "wrong"), ("nobody", PASSWORD)):
            answer = await bench.ask("POST", "/session", {"user": user, "password": password})
            assert (answer.status, answer.body["error"]["code"]) == (401, "wrong_password"), user
        bench.keep(await bench.ask("POST", "/session", {"user": "owner", "password": PASSWORD}))
        assert (await bench.ask("GET", "/session")).body["user"] == "owner"

    asyncio.run(story())


def test_another_password_needs_the_current_one_and_ends_other_sessions(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        before = bench.cookie
        answer = await bench.ask("PUT", "/password", {"new": "another horse", "current": "wrong"})
        assert (answer.status, answer.body["error"]["where"]) == (403, "current")
        bench.keep(await bench.ask("PUT", "/password", {"new": "another horse", "current": PASSWORD}))
        assert bench.cookie != before
        bench.cookie, after = before, bench.cookie
        assert (await bench.ask("GET", "/session")).body["state"] == "none"
        bench.cookie = after
        rows = (await bench.ask("GET", "/sessions")).body["sessions"]
        assert [(row["user"], row["own"]) for row in rows] == [("owner", True)]

    asyncio.run(story())


def test_sessions_are_ended_from_elsewhere(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        own, bench.cookie = bench.cookie, ""
        bench.keep(await bench.ask("POST", "/session", {"user": "owner", "password": PASSWORD}))
        other, bench.cookie = bench.cookie, own
        bench.csrf = bench.door.accounts.sessions[next(iter(bench.door.accounts.sessions))].csrf
        rows = (await bench.ask("GET", "/sessions")).body["sessions"]
        ident = next(row["id"] for row in rows if not row["own"])
        assert (await bench.ask("DELETE", f"/sessions/{ident}")).status == 200
        assert (await bench.ask("DELETE", f"/sessions/{ident}")).status == 404
        bench.cookie = other
        assert (await bench.ask("GET", "/session")).body["state"] == "none"

    asyncio.run(story())


def test_passwords_are_tried_few_times_and_owners_elsewhere_are_not_kept_out(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        bench.cookie = ""
        tries = [
            await bench.ask("POST", "/session", {"user": "owner", "password": f"wrong {n}"}, address="192.0.2.9")
            for n in range(50)
        ]
        assert [each.status for each in tries[:5]] == [401] * 5
        assert {each.status for each in tries[5:]} == {429}
        assert int(tries[-1].headers["retry-after"]) > 0
        right = {"user": "owner", "password": PASSWORD}
        assert (await bench.ask("POST", "/session", right, address="192.0.2.9")).status == 429
        assert (await bench.ask("POST", "/session", right, address="192.0.2.10")).status == 200

    asyncio.run(story())


def test_a_damaged_users_file_lets_nobody_in_and_stays(tmp_path: Path) -> None:
    async def story() -> None:
        first = Bench(tmp_path)
        await first.sign_up()
        file = first.door.accounts.path
        file.write_bytes(file.read_bytes().replace(b"admin", b"admim"))
        damaged = file.read_bytes()
        bench = Bench(tmp_path)
        bench.cookie, bench.csrf = first.cookie, first.csrf
        seen = (await bench.ask("GET", "/session")).body
        assert (seen["state"], seen["password_set"]) == ("none", True)
        assert "checksum" in seen["trouble"]
        assert bench.door.code == ""
        bench.cookie = ""
        assert (await bench.ask("POST", "/session", {"user": "owner", "password": PASSWORD})).status == 503
        assert file.read_bytes() == damaged

    asyncio.run(story())


def test_a_browser_that_was_signed_in_is_told_from_strangers_at_its_address(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        assert f"Max-Age={400 * 86_400}" in (await bench.ask("POST", "/session", OWN)).headers["set-cookie"]
        wrong = {"user": "owner", "password": "wrong"}
        stranger = {"cookie": "", "x-metergate-token": ""}
        while (await bench.ask("POST", "/session", wrong, headers=stranger)).status != 429:
            pass
        assert (await bench.ask("POST", "/session", OWN, headers=stranger)).status == 429, "a stranger's address waits"
        made_up = {"cookie": f"{bench.desk.site.cookie}=made-up", "x-metergate-token": ""}
        assert (await bench.ask("POST", "/session", OWN, headers=made_up)).status == 429
        signed_in = {"new": "another horse", "current": PASSWORD}
        mine = bench.cookie
        assert (await bench.ask("PUT", "/password", signed_in)).status == 200, "who is signed in is counted by himself"
        bench.cookie = mine  # of a session that has ended
        assert (await bench.ask("GET", "/session")).body["state"] == "none"
        for _ in range(3):
            assert (await bench.ask("POST", "/session", wrong)).status == 401
        own = {"user": "owner", "password": "another horse"}
        assert (await bench.ask("POST", "/session", own)).status == 200
        while (await bench.ask("POST", "/session", wrong)).status != 429:
            pass
        again = Bench(tmp_path)  # after a new start
        again.cookie = mine
        assert (await again.ask("POST", "/session", own)).status == 200
        assert again.door.sessions.nobody([mine], "").knows("owner")
        assert not again.door.sessions.nobody(["made-up"], "").device

    asyncio.run(story())


def test_signing_in_again_and_again_gives_nobody_more_guesses_at_another_user(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        guest = {"name": "guest", "password": "guest's horse", "scope": "read"}
        assert (await bench.ask("POST", "/users", guest)).status == 200
        own, guessed = {"user": "guest", "password": "guest's horse"}, 0
        bench.cookie = ""
        for _ in range(4):
            if (answer := await bench.ask("POST", "/session", own)).status == 200:
                bench.keep(answer)
            for _ in range(4):
                answer = await bench.ask("POST", "/session", {"user": "owner", "password": "wrong"})
                guessed += answer.status == 401
        assert guessed == BURST

    asyncio.run(story())


def test_signing_in_again_and_again_ends_no_session_of_another_user(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        guest = {"name": "guest", "password": "guest's horse", "scope": "read"}
        assert (await bench.ask("POST", "/users", guest)).status == 200
        owner, bench.cookie = bench.cookie, ""
        for _ in range(2 * MOST_SESSIONS + MOST_PAST):
            own = {"user": "guest", "password": "guest's horse"}
            assert (await bench.ask("POST", "/session", own)).status == 200
        bench.cookie = owner
        assert (await bench.ask("GET", "/session")).body["user"] == "owner"
        accounts = bench.door.accounts
        assert len(accounts.sessions) == MOST_SESSIONS + 1
        assert list(accounts.past.values()).count("guest") == MOST_PAST
        assert (await bench.ask("DELETE", "/users/guest")).status == 200
        assert set(accounts.past.values()) <= {"owner"}

    asyncio.run(story())


def test_who_may_no_more_once_his_request_has_come_may_not(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        second = {"name": "second", "password": "second's horse", "scope": "admin"}
        assert (await bench.ask("POST", "/users", second)).status == 200
        other = Bench.__new__(Bench)
        other.__dict__ |= bench.__dict__
        other.cookie = other.csrf = ""
        other.keep(await bench.ask("POST", "/session", {"user": "second", "password": "second's horse"}))
        other.token = (await other.ask("POST", "/tokens", {"name": "t", "scope": "admin"})).body["secret"]
        late = asyncio.Event()
        wants = [
            asyncio.create_task(other.ask("POST", path, body, late=late))
            for path, body in (
                ("/tokens", {"name": "back door", "scope": "admin"}),
                ("/users", {"name": "third", "password": "third's horse", "scope": "admin"}),
            )
        ]
        await asyncio.sleep(0)
        assert (await bench.ask("DELETE", "/users/second")).status == 200
        late.set()
        assert [answer.status for answer in await asyncio.gather(*wants)] == [401, 401]
        assert set(bench.door.accounts.users) == {"owner"}
        assert not bench.door.accounts.tokens

    asyncio.run(story())
