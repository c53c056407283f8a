"""Fingerprints as people write and read them, and which one they mean. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from shared.errors import RefusedError

SHORTEST: Final = 8
WHOLE: Final = 64
SHOWN: Final = 16


def grouped(fingerprint: str) -> str:
    """In groups of four digits, as one compares them."""
    return " ".join(re.findall(".{1,4}", fingerprint))


def beginning(fingerprint: str) -> str:
    """As many digits as tell certificates apart, in groups."""
    return grouped(fingerprint[:SHOWN])


def joined(parts: Sequence[str]) -> str:
    """Without groups, colons and capitals."""
    return "".join(parts).replace(":", "").replace(" ", "").lower()


def chosen(parts: Sequence[str], known: Sequence[str]) -> str:
    """The one fingerprint that was meant, written in any way.

    Raises:
        RefusedError: it is none, or too short, or more than one begins so.
    """
    digits = joined(parts)
    if not re.fullmatch(r"[0-9a-f]+", digits) or len(digits) > WHOLE:
        raise RefusedError(f"{' '.join(parts)!r} is no fingerprint; it has up to {WHOLE} hex digits")
    if len(digits) == WHOLE:
        return digits
    if len(digits) < SHORTEST:
        raise RefusedError(f"{digits} is too short to tell certificates apart; give {SHORTEST} digits at least")
    found = [each for each in known if each.startswith(digits)]
    if len(found) != 1:
        what = f"{len(found)} certificates begin" if found else "no certificate begins"
        raise RefusedError(f"{what} with {digits}; `metergate certs list` shows those that are known")
    return found[0]
