"""Reasons are recognised in whatever stands around them, and said in German; what is unknown stays as it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.words.english import ENGLISH
from services.console.words.german import GERMAN
from services.console.words.say import LONGEST, MOST_LOOKUPS, REMEMBERED, SHORT, Sayer, Sentence, english, german

IN_GERMAN = {
    "user and password do not fit": "Benutzer und Passwort passen nicht zusammen",
    "meter house: no readings: no connection to plc:502: refused; does the meter serve Modbus TCP on this port? "
    "(2 times by now)": (
        "meter house: keine Messwerte: keine Verbindung zu plc:502: abgelehnt; bedient der Zähler Modbus TCP auf "
        "diesem Port? (bisher 2 Mal)"
    ),
    "meter house: samples come again after 22.0 s; its live registers were stale for 17.0 s; energy that the meter "
    "does not count itself lacks this time": (
        "Zähler house: nach 22.0 s kommen wieder Messwerte; seine Momentanwerte waren 17.0 s lang veraltet; in der "
        "Energie, die der Zähler nicht selbst zählt, fehlt diese Zeit"
    ),
    "house: measurement still runs by other settings: sample comes from source 'simulated', settings say 'modbus'; "
    "neither shown nor counted. See `metergate ps`": (
        "house: measurement läuft noch nach anderen Einstellungen: die Messung kommt aus der Quelle 'simulated', die "
        "Einstellungen sagen 'modbus'; weder gezeigt noch gezählt. Siehe `metergate ps`"
    ),
    "too many wrong attempts; try again in 15 s": "zu viele falsche Versuche; versuchen Sie es in 15 s wieder",
    "line 3: slave.port: is 'x', but must be a whole number from 1 to 65535": (
        "Zeile 3: slave.port: ist 'x', muss aber sein: eine ganze Zahl von 1 bis 65535"
    ),
    "slave.prot: is no setting; did you mean 'port'?": "slave.prot: ist keine Einstellung; meinten Sie 'port'?",
    "/m.toml:139: is not valid TOML: Invalid value; a text needs quotes, and true and false small letters": (
        "/m.toml:139: ist kein gültiges TOML: ungültiger Wert; ein Text braucht Anführungszeichen, und true "
        "und false werden klein geschrieben"
    ),
    "is not valid TOML: Cannot declare [meter.modbus] twice; put what belongs to it under the first heading of that "
    "name": (
        "ist kein gültiges TOML: [meter.modbus] steht ein zweites Mal da; setzen Sie, was dazugehört, unter die erste "
        "Überschrift dieses Namens"
    ),
    "is not valid TOML: Expected '=' after a key in a key/value pair": (
        "ist kein gültiges TOML: Expected '=' after a key in a key/value pair"
    ),
    "meter: is a table, but must be a list of tables: [[meter]]": (
        "meter: ist eine Tabelle, muss aber eine Liste von Tabellen sein: [[meter]]"
    ),
    "log: is a list, but must be a table: [log]": "log: ist eine Liste, muss aber eine Tabelle sein: [log]",
    "is the date or time 2024-02-01, but must be a text": "ist der Zeitpunkt 2024-02-01, muss aber sein: ein Text",
    "is 'a table', but must be true or false": "ist 'a table', muss aber sein: true oder false",
    "a text of 1 to 253 characters": "ein Text von 1 bis 253 Zeichen",
    "a text of 40 characters": "ein Text von genau 40 Zeichen",
    "no connection to plc:502: connection refused; does anything listen on this port?": (
        "keine Verbindung zu plc:502: Verbindung abgelehnt; lauscht etwas auf diesem Port?"
    ),
    "starts: plain-slave; the page itself starts again: it is back within seconds, at https://10.0.0.1:80/": (
        "startet: plain-slave; die Seite selbst startet neu: sie ist in wenigen Sekunden wieder da, "
        "unter https://10.0.0.1:80/"
    ),
    "plc:502 took 28 registers (instantaneous_total) in 2.0 ms; but the slave has no register 512: "
    "enable only total values, or map it (energy_total: registers 512-551)": (
        "plc:502 hat 28 Register übernommen (instantaneous_total), in 2.0 ms; aber der Slave hat kein Register 512: "
        "schalten Sie nur die Summenwerte ein, oder legen Sie es dort an (energy_total: Register 512-551)"
    ),
    "plc:802: its certificate AB CD ... is not accepted yet: metergate certs accept abcd": (
        "plc:802: das Zertifikat AB CD ... ist noch nicht akzeptiert: akzeptieren Sie es unter Zertifikate (abcd)"
    ),
    "certificate-manager does not run: disabled in the settings": (
        "certificate-manager läuft nicht: in den Einstellungen ausgeschaltet"
    ),
    "/m.toml:3: slave.port: cannot listen on :: port 502: another program does; `ss -ltnp sport = :502` names it. Stop "
    "it, or set another slave.port": (
        "/m.toml:3: slave.port: kann auf ::, Port 502, nicht lauschen: ein anderes Programm tut es; `ss -ltnp sport = "
        ":502` nennt es. Beenden Sie es, oder setzen Sie slave.port anders"
    ),
    "cannot listen on ::1 port 80: plain-slave does; set another console.port; once it can, it starts by itself": (
        "kann auf ::1, Port 80, nicht lauschen: plain-slave tut es; setzen Sie console.port anders; sobald es geht, "
        "startet der Prozess von selbst"
    ),
    "gateway.state_dir: /s/counters-house.journal cannot be used (No space left on device); give a folder that belongs "
    "to the user who runs metergate, or set METERGATE_STATE_DIR; tried again every 30 s": (
        "gateway.state_dir: /s/counters-house.journal ist nicht nutzbar (No space left on device); geben Sie einen "
        "Ordner an, der dem Benutzer gehört, unter dem metergate läuft, oder setzen Sie METERGATE_STATE_DIR; wird alle "
        "30 s wieder versucht"
    ),
    "/s/a.journal does not reach its disk (Input/output error): values are served on, but a power failure would take "
    "what is counted since; it is tried again": (
        "/s/a.journal kommt nicht auf seinen Datenträger (Input/output error): Werte werden weiter geliefert, aber ein "
        "Stromausfall nähme, was seither gezählt ist; es wird wieder versucht"
    ),
    "deleted; connections closed: 3": "gelöscht; getrennte Verbindungen: 3",
    "nothing of this is known; nor: this": "nothing of this is known; nor: this",
    "line 1: x: is odd\nline 2: slave.port: is 0, but must be true or false": (
        "Zeile 1: x: is odd\nZeile 2: slave.port: ist 0, muss aber sein: true oder false"
    ),
}


@pytest.mark.parametrize("text", IN_GERMAN)
def test_it_is_said_in_german(text: str) -> None:
    assert german().say(text) == IN_GERMAN[text]


def test_a_reason_has_its_code_and_what_stands_in_its_places() -> None:
    found = english().recognise("too many wrong attempts; try again in 15 s")
    assert found == ("door.too_often", {"seconds": "15"})
    behind = english().recognise("slave.port: is 'x', but must be true or false")
    assert behind == ("check.wrong", {"value": "'x'", "wants": "true or false"})
    assert english().recognise("nothing of this is known") is None


@pytest.mark.parametrize("code", ENGLISH)
def test_every_reason_is_recognised_by_its_own_sentence(code: str) -> None:
    sentence = Sentence(code, ENGLISH[code])
    parts = {name: "7" if name in sentence.numbers else f"<{name}>" for name in sentence.places}
    text = ENGLISH[code].replace(":said}", "}").replace(":number}", "}").format(**parts)
    assert german().say(text) == GERMAN[code].format(**parts)


@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.sampled_from(sorted(ENGLISH.values())))
def test_whatever_comes_something_is_said(text: str) -> None:
    assert isinstance(german().say(text), str)


@pytest.mark.parametrize("mark", ["; ", ": ", "\n"])
@pytest.mark.parametrize("code", [code for code, text in ENGLISH.items() if text[0] == "{" or ":said}" in text])
def test_a_name_made_of_our_own_sentences_is_soon_given_up(code: str, mark: str) -> None:
    sentence = ENGLISH[code].replace(":said}", "}").replace(":number}", "}")
    text = sentence.format(**dict.fromkeys(Sentence(code, ENGLISH[code]).places, "7"))
    looked_up = 0

    class Counted(Sayer):
        def _find(self, text: str) -> tuple[Sentence, dict[str, str]] | None:
            nonlocal looked_up
            looked_up += self._left > 0
            return super()._find(text)

    hostile = f"{mark.join([text] * (LONGEST // (len(text) + 2)))[: LONGEST - 5]}{mark}zzz"
    assert "zzz" in Counted(ENGLISH, GERMAN).say(hostile)
    assert 0 < looked_up <= MOST_LOOKUPS


def test_no_text_takes_long() -> None:
    began = time.process_time()
    for text in ("; ".join(["no answer within 5 s"] * 400), ": ".join(["is {"] * 1500), "x" * LONGEST, "is " * 2700):
        german().say(text)
        german().recognise(text)
    assert time.process_time() - began < 5, "a bound far above what it takes, far below what an endless one would"


def test_what_was_said_is_remembered_within_bounds() -> None:
    sayer = Sayer({"a": "it is {value}"}, {"a": "es ist {value}"})
    for number in range(3 * REMEMBERED):
        assert sayer.say(f"it is {number}") == f"es ist {number}"
        assert len(sayer._remembered) <= REMEMBERED
    assert sayer.say(f"it is {'x' * SHORT}").startswith("es ist x")
    assert all(len(text) <= SHORT for text in sayer._remembered)


def test_what_stands_in_a_place_is_never_a_format() -> None:
    sayer = Sayer({"a": "is {value}, no"}, {"a": "ist {value}, nein"})
    assert sayer.say("is {value.__class__}, no") == "ist {value.__class__}, nein"
