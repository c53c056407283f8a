"""The catalogues against each other, against the sentences of the source, and against the settings' model."""

from collections.abc import Iterator
from string import Formatter

from services.console.words.english import ENGLISH
from services.console.words.german import GERMAN
from services.console.words.german.keys import KEYS
from shared.config.schema import Described, schema
from tests.services.console.words.sources import every, told, without_names

COVERED = (
    "services/console",
    "shared/config",
    "services/certificate_manager",
    "services/master_pusher",
    "shared/connect.py",
    "shared/tls/outward.py",
)
"""Whose refusals a person reads on the page."""

LEFT = {
    # a role does not even start: read on a terminal or in a log
    "certificates.names, certificates.own_role: {}",
    "certificates.role: the table is too large, {} bytes at most; join its ranges",
    "console.names: {}",
    "console.tls: key and certificate in {} cannot be used ({})",
    "no settings file: neither {} here nor {}; name one with --config file, or write one with `metergate init`",
    # a program asked for what the page never does
    "{} has to be a text",
    "{} is no command; there are: {}",
    "{} is no name of a key file handed over; `metergate certs own --import` does it",
    "fingerprint has to be the whole sha-256 of the certificate, 64 hex digits in lower case",
    "master-pusher does not know {}; it knows 'test'",
    # put together of parts: each of them is a sentence of the catalogue, or a word of msgspec's
    "{} {}",
    "{}: {}",
    "{}:{}: {}",
}
"""Said in English on a German page as well."""


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def keys(described: tuple[Described, ...], above: str = "") -> Iterator[str]:
    for each in described:
        yield f"{above}{each.name}"
        yield from keys(each.keys, f"{above}{each.name}.")


def test_both_have_the_same_codes_and_places() -> None:
    assert ENGLISH.keys() == GERMAN.keys()
    assert {code: places(text) for code, text in ENGLISH.items()} == {
        code: places(text) for code, text in GERMAN.items()
    }


def test_no_sentence_has_two_codes() -> None:
    compared = [without_names(text) for text in ENGLISH.values()]
    assert not [each for each in compared if compared.count(each) > 1]
    assert len(set(GERMAN.values())) >= len(GERMAN) - 8


def test_each_sentence_is_said_somewhere_word_for_word() -> None:
    said = every("services", "shared", "supervisor")
    for code, text in ENGLISH.items():
        whole = without_names(text)
        either = {whole, whole.removeprefix("{}").strip(), whole.removesuffix("{}").strip()}
        assert either & said, f"{code}: nobody says {text!r} any more"


def test_each_refusal_has_its_code() -> None:
    missing = told(*COVERED) - {without_names(text) for text in ENGLISH.values()}
    assert missing == LEFT


def test_every_key_of_the_settings_is_explained_in_german() -> None:
    assert list(KEYS) == list(keys(schema()))
    assert all(text.strip() for text in KEYS.values())
