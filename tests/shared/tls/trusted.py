"""Trust messages and peers that tests share."""

from collections.abc import Iterable

from shared.bus.messages import RoleRights, Trust
from shared.tls.certificate import fingerprint, read
from shared.tls.decisions import Decisions, decisions_of
from shared.tls.peer import TlsPeer
from tests.shared.tls.material import Made

ALL = ((0, 65536),)
WHOEVER = RoleRights("", (3, 4, 6, 16, 43), ALL, ALL)
"""The row of certificates without a role: everything that Accept grants."""


def trust(
    *accepted: Made,
    seq: int = 1,
    gen: int = 1,
    grant: str = "rw",
    blocked: Iterable[Made] = (),
    authorities: Iterable[Made] = (),
    roles: tuple[RoleRights, ...] = (WHOEVER,),
    own: str = "",
) -> Trust:
    """A message that accepts these."""
    return Trust(
        src="certificate-manager",
        gen=gen,
        seq=seq,
        t_ns=1,
        accepted={fingerprint(made.der): grant for made in accepted},
        blocked=tuple(fingerprint(made.der) for made in blocked),
        authorities=b"".join(made.pem for made in authorities),
        roles=roles,
        own=own,
        labels={fingerprint(made.der): f"label {number}" for number, made in enumerate(accepted)},
    )


def decided(*accepted: Made, **more: object) -> Decisions:
    """What `trust` means."""
    return decisions_of(trust(*accepted, **more))  # type: ignore[arg-type]


def peer(made: Made, *, chain_valid: bool = False, address: str = "192.0.2.1") -> TlsPeer:
    """A peer that has proven its key."""
    return TlsPeer(
        address=address,
        port=50000,
        certificate=read(made.der),
        der=made.der,
        chain_valid=chain_valid,
        version="TLSv1.3",
        cipher="TLS_AES_128_GCM_SHA256",
    )
