import asyncio

import pytest

from services.console.api.errors import ApiError
from services.console.security import passwords
from services.console.security.passwords import MOST_WAITING, Hasher, make, matches


def test_a_password_matches_its_own_hash_alone() -> None:
    kept = make("correct horse", n=2)
    assert kept != make("correct horse", n=2), "each has its own salt"
    assert "correct" not in kept
    assert matches("correct horse", kept)
    assert not matches("correct  horse", kept)
    assert matches("pässwörd \U0001f50c", make("pässwörd \U0001f50c", n=2))
    assert matches("\ud800", make("\ud800", n=2)), "what JSON may hold"


def test_the_usual_cost_is_that_of_the_guidelines() -> None:
    assert (passwords.N * passwords.R * 128, passwords.P) == (16 * 1024 * 1024, 5)


@pytest.mark.parametrize("kept", ["", "plain$1$1$1$a$a", "scrypt$2$8$1$!$!", "scrypt$x$8$1$aa==$aa=="])
def test_what_is_no_hash_matches_nothing(kept: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        matches("x", kept)


def test_few_may_wait_and_nobody_matches_nothing() -> None:
    async def story() -> None:
        hasher = Hasher(n=2)
        assert not await hasher.matches("x", None)
        assert await hasher.matches("x", make("x", n=2))
        done = await asyncio.gather(*(hasher.make("x") for _ in range(2 * MOST_WAITING)), return_exceptions=True)
        refused = [each for each in done if isinstance(each, ApiError)]
        assert len(refused) == MOST_WAITING
        assert all(each.status == 429 for each in refused)
        assert len([each for each in done if isinstance(each, str)]) == MOST_WAITING

    asyncio.run(story())
