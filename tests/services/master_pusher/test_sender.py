"""The sender to Modbus slaves, against one that answers in threads of its own."""

import asyncio

import pytest

from services.master_pusher.groups import GROUPS
from services.master_pusher.sender import ModbusSender, Sent
from shared import clock
from shared.config.master import Target as Settings
from shared.errors import PeerError
from tests.services.master_pusher.samples import batch
from tests.support import until
from tests.system.receivers import Recorder, mute, resetting

ALL = tuple(GROUPS)


def test_all_groups_in_five_requests_over_one_connection() -> None:
    async def story(slave: Recorder) -> None:
        sender = ModbusSender(Settings(address="127.0.0.1", port=slave.port), None)
        await sender.connect()
        assert sender.connected
        assert await sender.send(batch(), ALL) == Sent()
        assert await sender.send(batch(plus=1), ALL) == Sent()
        sender.close()
        assert slave.accepted == 1

    with Recorder() as slave:
        asyncio.run(story(slave))
        assert slave.writes[:5] == [(16, 0, 28), (16, 40, 106), (16, 512, 40), (16, 592, 120), (16, 712, 80)]
        assert slave.registers == {at: at + 1 for group in GROUPS.values() for at in range(group.start, group.end)}


def test_what_is_refused_is_told_by_group_in_words() -> None:
    async def story(slave: Recorder) -> None:
        sender = ModbusSender(Settings(address="127.0.0.1", port=slave.port), None)
        await sender.connect()
        sent = await sender.send(batch(), ALL)
        assert set(sent.refused) == {"energy_total", "energy_phases"}
        assert sent.refused["energy_total"].code == 2
        assert sent.refused["energy_total"].lasting
        assert sent.refused["energy_total"].words.startswith("the slave has no register 512")
        sender.close()

    with Recorder() as slave:
        slave.refuse_from = 512
        asyncio.run(story(slave))


def test_expired_values_are_not_sent() -> None:
    async def story(slave: Recorder) -> None:
        sender = ModbusSender(Settings(address="127.0.0.1", port=slave.port), None)
        await sender.connect()
        assert await sender.send(batch(until_ns=clock.now_ns() - 1), ALL) == Sent(expired=True)
        assert sender.connected
        sender.close()

    with Recorder() as slave:
        asyncio.run(story(slave))
        assert slave.writes == []


def test_a_slave_that_is_silent_or_resets_is_told_so() -> None:
    async def story(port: int, said: str) -> None:
        sender = ModbusSender(Settings(address="127.0.0.1", port=port, timeout_s=0.1), None)
        await sender.connect()
        with pytest.raises(PeerError, match=said):
            await sender.send(batch(), ALL)
        await until(lambda: not sender.connected)

    with mute() as silent, resetting() as rude:
        asyncio.run(story(silent.port, "no answer within 0.1 s to the registers 0-27"))
        asyncio.run(story(rude.port, "reset by peer|closed the connection"))


def test_without_somebody_who_decides_there_is_no_tls() -> None:
    with pytest.raises(PeerError, match="without the certificate manager there is no TLS"):
        asyncio.run(ModbusSender(Settings(address="mbaps://127.0.0.1"), None).connect())
