"""The last image that the register store published."""

from typing import Final

from shared.bus.endpoints import Endpoints, is_held
from shared.bus.messages import Image
from supervisor.latest import latest

STORE: Final = "register-store"
PATIENCE_S: Final = 1.0


def last_image(endpoints: Endpoints, meter: str, timeout_s: float = PATIENCE_S) -> Image | None:
    """The image of that meter that is served now; None where none runs on this host.

    Raises:
        PeerError: it runs here or elsewhere, but no image of that meter comes.
        BusError: what came is malformed.
    """
    endpoint = endpoints.pub(STORE)
    if endpoint.curve is None and not is_held(endpoints.run_dir, STORE):
        return None
    return latest(endpoints, STORE, Image, meter, timeout_s)
