"""Strangers' texts."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from shared.tls.text import MAX_TEXT, clean


@given(st.text(), st.integers(1, 100))
def test_a_text_is_printable_and_short_whatever_it_was(text: str, longest: int) -> None:
    shown = clean(text, longest)
    assert shown.isprintable()
    assert len(shown) <= longest
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} for c in shown)


def test_a_harmless_text_stays_and_a_hostile_one_shows_that_it_was() -> None:
    assert clean("CN=Zähler, O=Müller & Söhne") == "CN=Zähler, O=Müller & Söhne"
    assert clean("a\x1b[31mb\nc\u202ed\u2066") == "a�[31mb�c�d�"
    assert clean("x" * 70000) == "x" * (MAX_TEXT - 1) + "…"
