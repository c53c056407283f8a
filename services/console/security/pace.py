"""How fast one caller may ask: generously, since pages and programs ask often, but not without an end. Pure.

Counted for each session or API token, for who has none by origin. What costs more than others counts for more.
"""

from typing import Final

from shared.tls.limits import Bucket, origin_of

PER_S: Final = 100.0
BURST: Final = 1000.0
DEAR: Final = 20
"""What an expensive request counts for: five in a second, fifty at once."""
MOST_CALLERS: Final = 512


class Pace:
    """Requests of each caller."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def wait_s(self, session: str, address: str, cost: int, now_s: float) -> float:
        """How long this caller has to wait; 0 where it may ask now, which is counted.

        Args:
            session: of the session or token; empty for nobody.
            address: from where.
            cost: what the request counts for.
            now_s: of a clock that never jumps.
        """
        key = session or origin_of(address)
        bucket = self._buckets.pop(key, None) or Bucket(PER_S, BURST, now_s)
        self._buckets[key] = bucket  # the latest last
        if len(self._buckets) > MOST_CALLERS:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if bucket.take(now_s, count=cost) else (cost - bucket.level(now_s)) / PER_S
