"""Only what is marked as words is said in another language, at any depth."""

import json
from typing import Any

import msgspec

from services.console.api.models.common import Answer, Words
from services.console.api.models.push import Push, PushSlave
from services.console.api.models.settings import Checked, Key, Mistake
from services.console.words.translate import has_words, in_language, json_in_language

ENGLISH, GERMAN = "not accepted yet", "noch nicht akzeptiert"


class Tree(Answer, frozen=True, kw_only=True):
    """Holds itself."""

    name: str
    said: Words | None = None
    more: tuple[Words, ...] = ()
    below: tuple["Tree", ...] = ()


class Dry(Answer, frozen=True, kw_only=True):
    """Without words."""

    name: str
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


def test_at_any_depth_and_nothing_else() -> None:
    tree = Tree(name=ENGLISH, below=(Tree(name="a", said=ENGLISH, more=(ENGLISH, "x")), Tree(name="b")))
    said = in_language(tree, "de")
    assert said == Tree(name=ENGLISH, below=(Tree(name="a", said=GERMAN, more=(GERMAN, "x")), Tree(name="b")))
    assert in_language(tree, "en") is tree


def test_what_has_no_words_is_not_touched() -> None:
    assert (has_words(Dry), has_words(Tree), has_words(Key)) == (False, True, True)
    dry = Dry(name=ENGLISH)
    assert in_language(dry, "de") is dry
    data = msgspec.json.encode(dry)
    assert json_in_language(data, Dry, "de") is data


def test_the_text_of_a_file_is_no_words_but_its_mistakes_are() -> None:
    checked = Checked(errors=(Mistake(line=1, key="a", text=ENGLISH),), diff=ENGLISH, text=ENGLISH)
    said = in_language(checked, "de")
    assert (said.text, said.diff, said.errors[0].text) == (ENGLISH, ENGLISH, GERMAN)


def test_what_is_json_already() -> None:
    push = Push(enabled=True, running=True, interval_ms=0, values="mean", slaves=(
        PushSlave(number=1, address="a", settings={"label": ENGLISH}, reason=ENGLISH),))  # fmt: skip
    (slave,) = json.loads(json_in_language(msgspec.json.encode(push), Push, "de"))["slaves"]
    assert (slave["reason"], slave["settings"]) == (GERMAN, {"label": ENGLISH})
