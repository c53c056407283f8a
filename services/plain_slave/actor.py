"""The plain slave's life: images from the register store in, Modbus TCP out, once a second a word about both."""

import asyncio
import contextlib
from typing import Final

from shared.actor import Actor
from shared.bus.messages import Image
from shared.modbus.clients import Clients
from shared.modbus.intake import Intake
from shared.modbus.listen import bind_by_hand
from shared.modbus.replica import Replica
from shared.modbus.server import Limits, Server

STORE: Final = "register-store"
TELL_EVERY_S: Final = 1.0
FIRST_IMAGES_S: Final = 0.5
"""How long a start waits for the images. Those of a running store are here within milliseconds; meanwhile clients
wait in the queue of the held socket, so that a restart shows them no exception. Without a store they get 04."""


class PlainSlave(Actor):
    """Serves every configured meter to whoever connects; writes nothing."""

    role = "plain-slave"

    async def run(self) -> None:
        """Serve once the images are here, or it is clear that they are not to be had soon."""
        life, settings = self.life, self.life.config.slave
        self._replica = Replica({meter.id: meter.unit for meter in life.config.meter})
        self._intake = Intake(self._replica, life.log)
        self._complete = asyncio.Event()
        server = Server(self._replica, life.log, Limits.of(settings))
        clients = Clients(life, server)
        sockets = life.listen or (bind_by_hand(settings.host, settings.port, "slave"),)
        life.bus.subscribe(STORE, Image, self._take)
        if life.config.meter:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_IMAGES_S):
                    await self._complete.wait()
        await server.start(sockets)
        try:
            life.log.info("serving", port=server.port, max_connections=server.cap)
            life.bus.serve(clients.obey)
            life.ready()
            while True:
                clients.tell()
                life.status(fresh_until_ns=self._replica.fresh_until_ns)
                await asyncio.sleep(TELL_EVERY_S)
        finally:
            await server.stop()

    def _take(self, image: Image) -> None:
        self._intake.take(image)
        if self._replica.complete:
            self._complete.set()


ACTOR = PlainSlave
