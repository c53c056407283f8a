"""Which quantities a source gives: one that it never gave is unmeasured, one that it gave before must come each time.

There is no way back by waiting: a phase that died and a quantity that a new firmware no longer has look alike, and
a zero served for the first would be believed. The state says which one is missing; a restart of the role begins anew.
"""

from collections.abc import Collection


class Given:
    """Names that a source has given since the start."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def missing(self, present: Collection[str]) -> list[str]:
        """Names given before that are not `present`; a complete reading is remembered, an incomplete one is not."""
        missing = sorted(self._names.difference(present))
        if not missing:
            self._names.update(present)
        return missing

    def withdraw(self, names: Collection[str]) -> None:
        """Forget `names`: the meter said by itself that it does not have them (exception 02 for an optional block)."""
        self._names.difference_update(names)
