"""A sentence of metergate in another language: recognised by the English one, part by part, and said anew.

Reasons travel as English sentences: in replies, beats, logs, and on the command line. Here each is looked up among the
sentences of the catalogue; what stands in its places goes over as it is, or is itself a reason. What is not recognised
stays English: no reason is ever lost for want of a translation.
"""

from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Final, NamedTuple

LONGEST: Final = 8192
DEEPEST: Final = 6
MOST_LOOKUPS: Final = 512
"""For one text: a hostile name that is made of our own sentences could have a minute spent on it. What is not looked up
stays English."""
REMEMBERED: Final = 256
SHORT: Final = 512
"""A state that lasts is said again each second, to each reader: texts of so many characters are remembered."""
SAID: Final = "said"
NUMBER: Final = "number"


class Reason(NamedTuple):
    """What was recognised.

    Attributes:
        code: of the catalogue.
        params: place -> what stands there, in English.
    """

    code: str
    params: dict[str, str]


class Sentence:
    """An English sentence with places.

    Args:
        code: its code.
        template: see `english`.

    Attributes:
        code: as given.
        places: names, in order.
        said: those of them that hold a reason.
        numbers: those of them that hold digits alone.
        weight: letters that stand fast: the more, the surer.
    """

    __slots__ = ("_texts", "code", "numbers", "places", "said", "weight")

    def __init__(self, code: str, template: str) -> None:
        texts: list[str] = []
        kinds: dict[str, str] = {}
        text = ""
        for literal, name, kind, _ in Formatter().parse(template):
            text += literal
            if name is not None:
                texts.append(text)
                kinds[name] = kind or ""
                text = ""
        self.code = code
        self.places = tuple(kinds)
        self.said = frozenset(name for name, kind in kinds.items() if kind == SAID)
        self.numbers = frozenset(name for name, kind in kinds.items() if kind == NUMBER)
        self._texts = (*texts, text)
        self.weight = sum(map(len, self._texts))

    def match(self, text: str) -> dict[str, str] | None:
        """What stands in the places; None where it is another sentence. In linear time, whatever the text."""
        first, *others = self._texts
        if not others:
            return {} if text == first else None
        if not text.startswith(first):
            return None
        at, found = len(first), {}
        for name, literal in zip(self.places[:-1], others[:-1], strict=True):
            end = text.find(literal, at)
            if end < 0:
                return None
            found[name] = text[at:end]
            at = end + len(literal)
        end = len(text) - len(others[-1])
        if end < at or not text.endswith(others[-1]):
            return None
        found[self.places[-1]] = text[at:end]
        return found if all(found[name].isdigit() for name in self.numbers) else None


class Sayer:
    """Says in one language.

    Args:
        english: code -> sentence.
        other: code -> the same in the language.
    """

    def __init__(self, english: Mapping[str, str], other: Mapping[str, str]) -> None:
        sentences = [Sentence(code, template) for code, template in english.items()]
        self._sentences = sorted(sentences, key=lambda each: -each.weight)
        self._other = other
        self._remembered: dict[str, str] = {}
        self._left = 0

    def recognise(self, text: str) -> Reason | None:
        """Which reason it is; behind a key or a name, the reason behind it."""
        text = text.strip()
        if len(text) > LONGEST:
            return None
        self._left = MOST_LOOKUPS
        found = self._find(text)
        if found is not None:
            return Reason(found[0].code, found[1])
        for at in _places(text, ": "):
            found = self._find(text[at + 2 :])
            if found is not None:
                return Reason(found[0].code, found[1])
        return None

    def say(self, text: str) -> str:
        """The same in the language; where it is not known, as it is."""
        if len(text) > LONGEST:
            return text
        said = self._remembered.get(text)
        if said is None:
            self._left = MOST_LOOKUPS
            said = "\n".join(self._say(line, DEEPEST) or line for line in text.split("\n"))
            if len(text) <= SHORT:
                if len(self._remembered) >= REMEMBERED:
                    self._remembered.clear()
                self._remembered[text] = said
        return said

    def _find(self, text: str) -> tuple[Sentence, dict[str, str]] | None:
        if self._left == 0:
            return None
        self._left -= 1
        for each in self._sentences:
            found = each.match(text)
            if found is not None:
                return each, found
        return None

    def _say(self, text: str, depth: int) -> str | None:
        """None where it is not recognised."""
        inner = text.strip()
        if not inner or depth <= 0:
            return None
        lead = text[: len(text) - len(text.lstrip())]
        said = self._joined(inner, depth) or self._sentence(inner, depth) or self._behind(inner, depth)
        return None if said is None else lead + said

    def _sentence(self, text: str, depth: int) -> str | None:
        found = self._find(text)
        if found is None:
            return None
        sentence, params = found
        parts = {
            name: (self._say(value, depth - 1) or value) if name in sentence.said else value
            for name, value in params.items()
        }
        return self._other[sentence.code].format(**parts)

    def _joined(self, text: str, depth: int) -> str | None:
        """Several reasons, of which each is known."""
        for at in _places(text, "; "):
            head = self._sentence(text[:at], depth - 1) if depth > 1 else None
            if head is not None and (tail := self._say(text[at + 2 :], depth - 1)) is not None:
                return f"{head}; {tail}"
        return None

    def _behind(self, text: str, depth: int) -> str | None:
        """A reason behind the key, name or place that it is about."""
        for at in _places(text, ": "):
            tail = self._sentence(text[at + 2 :], depth - 1)
            if tail is not None:
                return f"{text[:at]}: {tail}"
        return None


def _places(text: str, mark: str, most: int = 8) -> list[int]:
    found: list[int] = []
    at = text.find(mark)
    while at >= 0 and len(found) < most:
        found.append(at)
        at = text.find(mark, at + 1)
    return found


@cache
def english() -> Sayer:
    """For the codes of reasons; it says nothing."""
    from services.console.words.english import ENGLISH  # noqa: PLC0415  # once something fails

    return Sayer(ENGLISH, {})


@cache
def german() -> Sayer:
    """Made when somebody reads German: most gateways would hold both catalogues for nothing."""
    from services.console.words.english import ENGLISH  # noqa: PLC0415  # as said
    from services.console.words.german import GERMAN  # noqa: PLC0415  # as said

    return Sayer(ENGLISH, GERMAN)
