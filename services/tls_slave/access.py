"""What one peer may do, asked before each request: its verdict under the decisions in force, narrowed by its role.

The answer is remembered until the decisions change; `judge` again when the calendar may have changed it.
"""

from typing import Final, Protocol

from msgspec.structs import replace

from shared.modbus.access import Later, Reach
from shared.modbus.pdu import ExceptionCode, Function, Identify, Read, Write
from shared.modbus.view import Face
from shared.tls.decisions import Decisions
from shared.tls.peer import TlsPeer
from shared.tls.roles import NOTHING, Rights
from shared.tls.trust import Standings, Verdict

IDENTIFY: Final = Function.ENCAPSULATED_INTERFACE


class Gate(Protocol):
    """Who decides, and who does what is allowed."""

    decisions: Decisions
    external_control: bool

    def wall_s(self) -> float:
        """Seconds since 1970."""
        ...

    def write(self, access: "PeerAccess", request: Write, meter: str) -> Later:
        """Hand a write that the peer may do to the register store."""
        ...

    def refused(self, access: "PeerAccess", what: str) -> None:
        """A peer that is served asked for what its role does not allow."""
        ...


class PeerAccess:
    """See `shared.modbus.access.Access`.

    Attributes:
        gate: who decides.
        peer: whose.
        verdict, rights: under `decisions`.
        decisions: those it was judged by.
    """

    __slots__ = ("_reach", "_standings", "decisions", "gate", "peer", "rights", "verdict")

    decisions: Decisions
    verdict: Verdict
    rights: Rights

    def __init__(self, gate: Gate, peer: TlsPeer) -> None:
        """Judge a peer whose handshake is complete."""
        self.gate = gate
        self._be(peer)
        self.judge()

    def judge(self) -> Verdict:
        """The verdict under the decisions in force, now."""
        decisions, certificate = self.gate.decisions, self.peer.certificate
        if self.peer.chain_valid and self.peer.authority not in decisions.authority_fingerprints:
            # OpenSSL looked at the chain by the authorities of the handshake's beginning, and one has gone since
            self._be(replace(self.peer, chain_valid=False, authority=""))
        verdict = self._standings.under(decisions.trust, self.gate.wall_s())
        rights = NOTHING if verdict.grant is None else decisions.roles.rights(certificate, verdict.grant)
        self.decisions, self.verdict, self.rights = decisions, verdict, rights
        if rights is NOTHING:
            self._reach = Reach.NOTHING
        elif rights.all_reads and rights.allows(IDENTIFY):
            self._reach = Reach.ALL
        else:
            self._reach = Reach.SOME
        return verdict

    def _be(self, peer: TlsPeer) -> None:
        self.peer = peer
        self._standings = Standings(peer.certificate, chain_valid=peer.chain_valid)

    @property
    def label(self) -> str:
        """The owner's name for the certificate."""
        return self.decisions.labels.get(self.peer.certificate.fingerprint, "")

    @property
    def reach(self) -> Reach:
        """How far it may read now."""
        if self.decisions is not self.gate.decisions:
            self.judge()
        return self._reach

    def allows(self, request: Read | Identify) -> bool:
        """Whether the role allows it."""
        if isinstance(request, Identify):
            allowed, what = self.rights.allows(IDENTIFY), f"function {IDENTIFY}"
        else:
            allowed = self.rights.allows(request.function, request.start, request.end)
            what = f"function {request.function} on {request.start} to {request.end - 1}"
        if not allowed:
            self.gate.refused(self, what)
        return allowed

    def may_write(self, request: Write) -> bool:
        """Whether the role allows it now."""
        if self.decisions is not self.gate.decisions:
            self.judge()
        return self.rights.allows(request.function, request.start, request.end)

    def write(self, request: Write, face: Face) -> ExceptionCode | Later:
        """02 where nobody can write, 01 where this peer may not, else what the register store says."""
        start, end = request.start, request.end
        if not face.writable(start, end):
            return ExceptionCode.ILLEGAL_DATA_ADDRESS
        if not self.gate.external_control:
            return ExceptionCode.ILLEGAL_FUNCTION
        if not self.may_write(request):
            self.gate.refused(self, f"function {request.function} on {start} to {end - 1}")
            return ExceptionCode.ILLEGAL_FUNCTION
        return self.gate.write(self, request, face.meter)
