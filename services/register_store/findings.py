"""What the store has to tell an owner."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Something that an owner must see.

    Attributes:
        kind: of the event.
        level: `info`, `warning` or `error`.
        text: one sentence.
    """

    kind: str
    level: str
    text: str
