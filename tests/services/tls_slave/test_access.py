"""What a peer may do, request by request."""

import pytest

from services.tls_slave.access import PeerAccess
from shared.bus.messages import RoleRights
from shared.modbus.access import Later, Reach
from shared.modbus.pdu import ExceptionCode, Identify, Read, Write
from shared.modbus.slave import Slave, State
from shared.modbus.view import Face
from shared.tls.decisions import NONE, Decisions
from tests.shared.modbus.samples import T0, adu, answer, exception, image, read, registers, replica
from tests.shared.tls.material import DAY, NOW, NOW_S, Made, make
from tests.shared.tls.trusted import ALL, WHOEVER, decided, peer

ONE = make("one")
WRITE = Write(6, 41168, b"\0\3")
FACE = Face(image(), stale=False)
EVERYTHING = (3, 4, 6, 16, 43)


class Gate:
    """Decides what the test wants."""

    def __init__(self, decisions: Decisions = NONE, *, external_control: bool = True) -> None:
        self.decisions = decisions
        self.external_control = external_control
        self.now_s = NOW_S
        self.written: list[tuple[Write, str]] = []
        self.told: list[str] = []
        self.later = Later()

    def wall_s(self) -> float:
        return self.now_s

    def write(self, access: PeerAccess, request: Write, meter: str) -> Later:
        assert access.verdict.served
        self.written.append((request, meter))
        return self.later

    def refused(self, access: PeerAccess, what: str) -> None:
        assert access.verdict.served
        self.told.append(what)


def of(gate: Gate, made: Made = ONE) -> PeerAccess:
    return PeerAccess(gate, peer(made))


def test_the_verdict_follows_the_decisions_from_request_to_request() -> None:
    gate = Gate()
    access = of(gate)
    reaches = [access.reach]
    gate.decisions = decided(ONE)
    assert access.decisions is not gate.decisions
    reaches.append(access.reach)
    assert access.decisions is gate.decisions
    assert access.label == "label 0"
    gate.decisions = decided(seq=2)
    reaches.append(access.reach)
    assert reaches == [Reach.NOTHING, Reach.ALL, Reach.NOTHING]


def test_the_calendar_counts_when_it_is_judged_again() -> None:
    gate = Gate(decided(old := make("old", end=NOW + DAY)))
    access = of(gate, old)
    reaches = [access.reach]
    gate.now_s += 2 * 86_400
    assert not access.judge().served
    assert [*reaches, access.reach] == [Reach.ALL, Reach.NOTHING]


@pytest.mark.parametrize(
    ("row", "reach"),
    [
        (WHOEVER, Reach.ALL),
        (RoleRights("", (3, 4, 43), ALL), Reach.ALL),
        (RoleRights("", (3, 4), ALL), Reach.SOME),
        (RoleRights("", (3, 43), ALL), Reach.SOME),
        (RoleRights("", EVERYTHING, ((0, 65535),)), Reach.SOME),
        (RoleRights("", (), ()), Reach.SOME),
        (RoleRights("Other", EVERYTHING, ALL, ALL), Reach.NOTHING),
    ],
)
def test_only_who_may_read_everything_is_not_asked_about_each_read(row: RoleRights, reach: Reach) -> None:
    assert of(Gate(decided(ONE, roles=(row,)))).reach is reach


def test_a_role_narrows_reads_to_its_functions_and_ranges_and_refusals_are_told() -> None:
    gate = Gate(decided(ONE, roles=(RoleRights("", (3,), ((0, 50), (512, 600))),)))
    core = Slave(held := replica(), of(gate))
    Slave(held).receive(read(0, 2) + read(40, 20), T0)  # known answers
    assert core.receive(read(0, 2), T0) == answer(registers(0, 2))
    assert core.receive(read(40, 20), T0) == exception(3, 1)
    assert core.receive(read(0, 2, function=4), T0) == exception(4, 1)
    assert core.receive(adu(bytes.fromhex("2B0E0100")), T0) == exception(0x2B, 1)
    assert gate.told == ["function 3 on 40 to 59", "function 4 on 0 to 1", "function 43"]
    assert of(gate).allows(Read(3, 512, 88))
    assert not of(gate).allows(Identify(1, 0))


def test_a_write_goes_to_the_store_and_holds_its_connection() -> None:
    gate = Gate(decided(ONE))
    core = Slave(replica(), of(gate))
    assert core.receive(adu(bytes.fromhex("06A0D00003")), T0) == b""
    assert core.state is State.WAITING
    assert gate.written == [(WRITE, "house")]
    gate.later.settle(ExceptionCode.SERVER_DEVICE_BUSY)
    assert core.resume(T0) == exception(6, 6)


@pytest.mark.parametrize(
    ("write", "external_control", "grant", "roles", "code", "told"),
    [
        (Write(6, 0, b"\0\0"), True, "rw", (WHOEVER,), 2, False),
        (Write(16, 41168, b"\0\0" * 4), True, "rw", (WHOEVER,), 2, False),
        (Write(6, 0, b"\0\0"), False, "rw", (WHOEVER,), 2, False),
        (WRITE, False, "rw", (WHOEVER,), 1, False),
        (WRITE, True, "r", (WHOEVER,), 1, True),
        (WRITE, True, "rw", (RoleRights("", (3, 4, 16, 43), ALL, ALL),), 1, True),
        (WRITE, True, "rw", (RoleRights("", EVERYTHING, ALL, ((41170, 41173),)),), 1, True),
        (WRITE, True, "rw", (RoleRights("", EVERYTHING, ALL),), 1, True),
    ],
)
def test_why_a_write_is_refused(
    write: Write, *, external_control: bool, grant: str, roles: tuple[RoleRights, ...], code: int, told: bool
) -> None:
    gate = Gate(decided(ONE, grant=grant, roles=roles), external_control=external_control)
    access = of(gate)
    assert access.reach is not Reach.NOTHING
    assert access.write(write, FACE) == code
    assert gate.written == []
    assert bool(gate.told) is told


def test_a_write_within_the_rows_range_is_done() -> None:
    gate = Gate(decided(ONE, roles=(RoleRights("", EVERYTHING, ((0, 10),), ((41170, 41173),)),)))
    access = of(gate)
    assert access.reach is Reach.SOME
    assert access.write(Write(16, 41170, b"\0\0" * 3), FACE) is gate.later
