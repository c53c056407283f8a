"""Which language the reader wants, by the header Accept-Language. Pure."""

from typing import Final, Literal

Language = Literal["en", "de"]
KNOWN: Final[tuple[Language, ...]] = ("en", "de")
LONGEST: Final = 200


def wanted(header: str) -> Language:
    """The known language that is wanted most; English where none is."""
    best: Language = "en"
    weight = 0.0
    for part in header[:LONGEST].split(","):
        tag, _, parameters = part.strip().lower().partition(";")
        this = _weight(parameters)
        for known in KNOWN:
            if tag.partition("-")[0] == known and this > weight:
                best, weight = known, this
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
