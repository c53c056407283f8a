"""What the command line decides for every benchmark."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How long to measure.

    Attributes:
        quick: fewer cases, for a look whether all works.
        rounds: repetitions of which the median counts.
        seconds: of one load.
    """

    quick: bool = False
    rounds: int = 5
    seconds: float = 1.0
