"""Texts that a stranger chose: cleaned once, where they come in. Who shows them escapes them for his medium again."""

from typing import Final

MAX_TEXT: Final = 256
REPLACEMENT: Final = "\ufffd"


def clean(text: str, longest: int = MAX_TEXT) -> str:
    """Printable characters only, others replaced one by one; cut to `longest` with an ellipsis.

    Control characters, line ends, bidirectional overrides and lone surrogates are not printable to Python.
    """
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    return shown if shown.isprintable() else "".join(c if c.isprintable() else REPLACEMENT for c in shown)
