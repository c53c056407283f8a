"""Which language is wanted."""

import pytest

from services.console.words.language import wanted


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("fr,de;q=0.5,en;q=0.4", "de"),
        ("fr, it", "en"),
        ("de;q=0, en", "en"),
        ("de;q=x", "en"),
        ("*", "en"),
        ("den, endlich", "en"),
        (f"{'fr,' * 1000}de", "en"),
    ],
)
def test_the_known_one_that_is_wanted_most(header: str, language: str) -> None:
    assert wanted(header) == language
