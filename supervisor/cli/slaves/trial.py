"""Trying a receiver: by the running pusher, over its own connection; without one, from here.

The pusher knows whom the owner trusts, and a slave that takes one connection only has that with it. From here it goes
where the pusher is off or has not taken over the receiver yet.
"""

import asyncio
import importlib
import logging
from typing import Any, Final

import structlog

from shared import clock
from shared.bus.command import call
from shared.bus.endpoints import endpoints_of, is_held
from shared.bus.messages import Image
from shared.config.model import Config
from shared.errors import RefusedError
from supervisor.cli.registers.live import last_image

PUSHER: Final = "master-pusher"

_SILENT: Final = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
"""What happened is told in the answer."""


def try_receiver(config: Config, number: int) -> str:
    """Connect, write the newest values once, and say what happened.

    Raises:
        MetergateError: it did not work; the text says why and what to do.
    """
    settings = config.master.slave[number - 1]
    endpoints = endpoints_of(config)
    endpoint = endpoints.cmd(PUSHER)
    if config.master.enabled and (endpoint.curve is not None or is_held(config.gateway.run_dir, PUSHER)):
        args = {"number": number, "address": settings.address}
        return str(call(endpoint, PUSHER, "test", args, settings.trial_s)["words"])
    if settings.receiver.tls:
        raise RefusedError(
            f"{settings.name}: over TLS only the running pusher knows whom you trust; "
            "`metergate config set master.enabled true`, start it, and try again"
        )
    meter = next((each.id for each in config.meter), "") if not isinstance(settings.meter, str) else settings.meter
    image = last_image(endpoints, meter) if meter else None
    if image is None:
        raise RefusedError(f"{settings.name}: nothing was written, since nothing is measured; start `metergate up`")
    return asyncio.run(_from_here(config, number, image))


async def _from_here(config: Config, number: int, image: Image) -> str:
    build: Any = importlib.import_module("services.master_pusher.build")
    words: str = await build.once(config, number, image, _SILENT, clock.now_ns())
    return words
