"""From a change of the settings, or of a file that they name, to settings in force or a refusal that says why.

Verified first, see `verification`; then everybody has to be able to listen where he shall, see `places`. Until then,
and where they are wrong, those before stay in force.
"""

from collections.abc import Callable
from typing import Final

from shared.config.faults import wrong
from shared.config.model import Config
from shared.errors import Fault, RefusedError
from supervisor.board import Board
from supervisor.loop import Callback, Loop, now
from supervisor.places import Places
from supervisor.settings import Draft, Settings
from supervisor.sockets import next_try
from supervisor.spec import RoleSpec, files_of, verifiers
from supervisor.verification import Verification
from supervisor.watch import LOOK_S, Watches

AGAIN_S: Final = 60.0
"""Files that are wrong are watched; but it may also hang on a folder, a full disk, or how busy the machine is."""

Taken = Callable[[Config | None], None]
"""Told the settings before; None where nothing changed."""


class Reload:
    """Follows the settings of one supervisor.

    Args:
        specs: roles that run.
        settings: in force.
        loop: to look now and then.
        verification: of new settings.
        places: where roles shall listen by them.
        board: told of refusals and changes.

    Attributes:
        taken: called when settings were read that are right.
        refused: called when they are wrong.
        decided: called when a verdict came after `read` had returned.
    """

    def __init__(
        self,
        specs: tuple[RoleSpec, ...],
        settings: Settings,
        loop: Loop,
        *,
        verification: Verification,
        places: Places,
        board: Board,
    ) -> None:
        self._specs = specs
        self._settings = settings
        self._loop = loop
        self._verification = verification
        self._places = places
        self._board = board
        self._watches = Watches(settings.path)
        self._watches.name(files_of(specs, settings.config))
        self.taken: Taken
        self.refused: Callback
        self.decided: Callback

    def follow(self) -> None:
        """Look for changes from now on."""
        self._loop.every("settings", LOOK_S, self._look)

    def stop(self) -> None:
        """Look no more; a verification under way is given up."""
        self._verification.cancel()
        for name in ("settings", "settings again"):
            self._loop.alarm(name, None, self.read)

    @property
    def under_way(self) -> bool:
        """Whether a verdict is still to come."""
        return self._verification.under_way

    def read(self) -> None:
        """Read the settings now and do what follows from a change, at once or once it is verified; see `Settings`."""
        self._verification.cancel()
        self._loop.alarm("settings again", None, self.read)
        known = self._settings.error
        draft = self._settings.read()
        if draft is None:
            self._refused(self._settings.error, known)
            return
        self._watches.name(files_of(self._specs, draft.config))
        if modules := verifiers(self._specs, self._settings.config, draft.config):
            self._verification.begin(draft.content, modules, lambda faults: self._verified(draft, faults))
        else:
            self._take(draft)

    def _look(self) -> None:
        if self._watches.look(now()):
            self.read()

    def _verified(self, draft: Draft, faults: tuple[Fault, ...]) -> None:
        if faults:
            self._refused(str(wrong(self._settings.path, faults)), self._settings.error)
            self._loop.alarm("settings again", now() + AGAIN_S, self.read)
        else:
            self._take(draft)
        self.decided()

    def _refused(self, reason: str, known: str) -> None:
        self._settings.error = reason
        if reason != known:
            text = f"settings not used, those before stay in force:\n{reason}"
            self._board.event("config.invalid", text, "error")
        self.refused()

    def _take(self, draft: Draft) -> None:
        known, began = self._settings.pending, now()
        if faults := self._places.take(draft):
            self._refused(str(wrong(self._settings.path, faults)), self._settings.error)
            self._loop.alarm("settings again", next_try(began, now()), lambda: self._take(draft))
            return
        try:
            before = self._settings.take(draft)
        except RefusedError as error:
            self._places.give_back()
            self._refused(str(error), self._settings.error)
            self._loop.alarm("settings again", now() + AGAIN_S, self.read)
            return
        if self._settings.pending and self._settings.pending != known:
            self._board.event("config.changed", self._settings.pending, "warning")
        self.taken(before)
