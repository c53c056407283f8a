"""A person who reads German: refusals, mistakes of the settings, what came of a test, the form's words, the stream."""

import asyncio
import tomllib
from pathlib import Path

from services.console.api import stream as module
from shared.errors import RefusedError
from tests.services.console.api.test_push import PLC, row, told
from tests.services.console.asked import SETTINGS, Bench

GERMAN = {"accept-language": "de-DE,de;q=0.9,en;q=0.5"}


def test_refusals_come_in_german_with_their_code(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        wrong = await bench.ask("POST", "/session", {"user": "owner", "password": "x"}, headers=GERMAN)
        assert wrong.headers["content-language"] == "de"
        error = wrong.body["error"]
        assert (error["code"], error["reason"]) == ("wrong_password", "door.wrong_password")
        assert error["text"] == "Benutzer und Passwort passen nicht zusammen"
        english = await bench.ask("POST", "/session", {"user": "owner", "password": "x"})
        assert english.headers["content-language"] == "en"
        assert english.body["error"]["text"] == "user and password do not fit"
        assert english.body["error"]["reason"] == "door.wrong_password"
        host = await bench.ask("GET", "/session", headers={**GERMAN, "host": "evil.example"})
        assert host.body["error"]["text"].startswith("unter dem Namen 'evil.example' gibt es diese Seite nicht")
        assert host.body["error"]["params"] == {"host": "'evil.example'"}
        nobody = await bench.ask("GET", "/certificates", headers=GERMAN)
        assert nobody.body["error"]["text"].startswith("melden Sie sich zuerst an")
        for _ in range(8):
            tried = await bench.ask("POST", "/session", {"user": "owner", "password": "x"}, headers=GERMAN)
        assert tried.body["error"]["text"].startswith("zu viele falsche Versuche; versuchen Sie es in ")
        assert int(tried.body["error"]["params"]["seconds"]) == int(tried.headers["retry-after"])

    asyncio.run(story())


def test_mistakes_of_the_settings_come_with_line_and_key_in_german(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        draft = {"text": "[slave]\nport = 0\nprot = 1\n"}
        found = (await bench.ask("POST", "/settings/check", draft, headers=GERMAN)).body["errors"]
        assert found == [
            {
                "line": 2,
                "key": "slave.port",
                "text": "ist 0, muss aber sein: eine ganze Zahl von 1 bis 65535",
            },
            {"line": 3, "key": "slave.prot", "text": "ist keine Einstellung; meinten Sie 'port'?"},
        ]
        for text, said in (
            (
                "[slave]\nenabled = True\n",
                "ist kein gültiges TOML: ungültiger Wert; ein Text braucht Anführungszeichen",
            ),
            ("\n[meter]\n", "ist eine Tabelle, muss aber eine Liste von Tabellen sein: [[meter]]"),
        ):
            checked = (await bench.ask("POST", "/settings/check", {"text": text}, headers=GERMAN)).body
            assert [(each["line"], each["text"].startswith(said)) for each in checked["errors"]] == [(2, True)]
        refused = await bench.ask("PATCH", "/push", {"interval_ms": 50}, headers=GERMAN)
        assert refused.body["error"]["where"] == "master.interval_ms"
        assert refused.body["error"]["text"].endswith(
            "master.interval_ms: ist 50; 100 oder mehr, oder 0 für jeden Messzyklus"
        )
        changed = await bench.ask("PATCH", "/push", {"values": "mean"}, headers=GERMAN)
        assert changed.body["warnings"][0].startswith("Mittelwerte gelten nur mit einem Intervall")
        assert tomllib.loads(bench.file.read_text())["master"] == {"values": "mean"}

    asyncio.run(story())


def test_advice_is_given_of_the_file_and_of_a_draft_in_german(tmp_path: Path) -> None:
    async def story() -> None:
        meter = '[[meter]]\nid = "house"\nsource = "modbus"\n[meter.modbus]\nhost = "192.0.2.20"\n'
        bench = Bench(tmp_path, meter)
        await bench.sign_up()
        of_file = (await bench.ask("GET", "/settings", headers=GERMAN)).body["warnings"]
        of_draft = (await bench.ask("POST", "/settings/check", {"text": meter}, headers=GERMAN)).body["warnings"]
        assert of_file == of_draft
        assert [(each["line"], each["key"]) for each in of_file] == [(5, "meter.modbus.host")]
        assert of_file[0]["text"].startswith("ist 192.0.2.20, eine Adresse für Beispiele, unter der nichts antwortet")
        change = {"set": {"meter.modbus.host": "192.0.2.21"}}
        (said,) = (await bench.ask("PATCH", "/settings", change, headers=GERMAN)).body["warnings"]
        assert said.startswith("meter.modbus.host: ist 192.0.2.21, eine Adresse für Beispiele")

    asyncio.run(story())


def test_the_form_is_explained_in_german_and_the_file_is_as_it_is(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, f"# not accepted yet\n{SETTINGS}")
        await bench.sign_up()
        german = (await bench.ask("GET", "/settings", headers=GERMAN)).body
        english = (await bench.ask("GET", "/settings")).body
        assert german["text"] == english["text"], "a sentence of ours in somebody's file is his"
        of = {key["name"]: key for key in german["keys"]}
        port = next(key for key in of["slave"]["keys"] if key["name"] == "port")
        assert port["words"] == "TCP-Port, an dem er unverschlüsselt lauscht."
        assert port["wants"] == "eine ganze Zahl von 1 bis 65535"
        assert [key["words"] for key in english["keys"]] != [key["words"] for key in german["keys"]]

    asyncio.run(story())


def test_what_came_of_a_test_and_of_pushing(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, SETTINGS + PLC)
        await bench.sign_up()
        why = "no connection to plc.local:502: connection refused; does anything listen on this port?"
        said = "keine Verbindung zu plc.local:502: Verbindung abgelehnt; lauscht etwas auf diesem Port?"
        told(bench, row(state="failing", reason=why))
        bench.bus.answers["master-pusher", "test"] = RefusedError(why)
        tested = await bench.ask("POST", "/push/slaves/1/test?address=plc.local", headers=GERMAN)
        assert tested.body == {"ok": False, "text": said}
        (slave,) = (await bench.ask("GET", "/push", headers=GERMAN)).body["slaves"]
        assert slave["reason"] == said

    asyncio.run(story())


def test_a_stream_tells_each_reader_in_his_language(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, SETTINGS + PLC)
        why = "nothing is pushed: the measurement is stale"
        told(bench, row(state="waiting", reason=why))
        kinds = module.WITH_WORDS["pushes"]
        assert kinds.__name__ == "Push"

        def german(topic: str, data: bytes) -> bytes:
            return module._said(topic, data, "de")

        hub = bench.desk.topics.hub
        readers = [hub.follow(frozenset({"pushes"}), "", "", said) for said in (None, german)]
        first = [await anext(each) for each in readers]
        assert why.encode() in first[0]
        assert b"es wird nichts gesendet: die Messung ist veraltet" in first[1]
        told(bench, row(state="waiting", reason="nothing is pushed: there was no sample yet"))
        bench.desk.topics.state("pushes")
        later = [await asyncio.wait_for(anext(each), 5) for each in readers]
        assert b"there was no sample yet" in later[0]
        assert b"es gab noch keine Messung" in later[1]
        assert later[0].split(b"\ndata: ")[0] == later[1].split(b"\ndata: ")[0], "one place in the stream for both"
        for each in readers:
            await each.aclose()

    asyncio.run(story())
