"""How often somebody may guess: few times in a row, then ever more rarely. Pure: the clock comes in.

Counted for each origin, an IPv6 network being one; not in all, since otherwise a stranger could keep the owner out. A
browser that was signed in before is counted by itself, so that a stranger at the same address cannot keep it out.
What a stranger with many addresses costs is bounded by the hashes themselves, see `passwords`.
"""

from http import HTTPStatus
from typing import Final

from services.console.api.errors import ApiError
from shared.tls.limits import Bucket, origin_of

BURST: Final = 5.0
EVERY_S: Final = 15.0
"""After the burst, one more guess each."""
ORIGINS: Final = 512


class Attempts:
    """Guesses of each origin."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def wait_s(self, address: str, now_s: float) -> float:
        """How long this origin has to wait before it may guess; 0 where it may now, and one guess is taken."""
        origin = origin_of(address)
        bucket = self._buckets.pop(origin, None) or Bucket(1 / EVERY_S, BURST, now_s)
        self._buckets[origin] = bucket  # the latest last
        if len(self._buckets) > ORIGINS:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if bucket.take(now_s) else (1.0 - bucket.level(now_s)) * EVERY_S

    def check(self, address: str, now_s: float) -> None:
        """Take one guess.

        Raises:
            ApiError: this origin has to wait.
        """
        wait_s = self.wait_s(address, now_s)
        if wait_s > 0:
            seconds = max(1, round(wait_s + 0.5))
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too_often",
                f"too many wrong attempts; try again in {seconds} s",
                headers={"retry-after": str(seconds)},
            )

    def forgive(self, address: str) -> None:
        """The last one was right, or not looked at.

        The wrong ones before stay counted: who knows one password could else guess another one for ever.
        """
        if (bucket := self._buckets.get(origin_of(address))) is not None:
            bucket.give_back()
