"""A desk whose commands go to a real owner on a real bus."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from services.console.api.route import Call
from services.console.security.caller import Caller, scopes_up_to
from shared.config.model import Certificates, Config, Gateway
from tests.services.certificate_manager.running import Owner

OWNER = Caller(address="192.0.2.7", scopes=scopes_up_to("admin"), user="owner")


class TestDesk:
    """As `Desk`, as far as routes of certificates go.

    Args:
        owner: who asks on the bus.
        folder: run folder.

    Attributes:
        state: of the certificate manager, as its supervisor tells.
    """

    __test__ = False

    def __init__(self, owner: Owner, folder: Path) -> None:
        self._owner = owner
        self.state = ("", "")
        config = Config(gateway=Gateway(run_dir=folder), certificates=Certificates(ca_dir=folder / "ca"))
        self.life = SimpleNamespace(config=config)
        self.hear = SimpleNamespace(town=SimpleNamespace(state_of=lambda _: self.state))

    async def ask(
        self, instance: str, verb: str, args: dict[str, Any] | None = None, timeout_s: float = 2.0
    ) -> dict[str, Any]:
        """To the owner of the state."""
        return await self._owner.bus.call(instance, verb, args or {}, timeout_s)

    async def command(
        self, caller: Caller, instance: str, verb: str, args: dict[str, Any], timeout_s: float = 8.0
    ) -> dict[str, Any]:
        """As `ask`, with who wants it."""
        return await self._owner.bus.call(instance, verb, {**args, "by": caller.by}, timeout_s)

    def call(self, *, body: Any = None, query: Any = None, **path: Any) -> Call:
        """A request of the owner, checked."""
        return Call(self, OWNER, path, query, body, None)  # type: ignore[arg-type]
