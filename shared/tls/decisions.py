"""What a `trust/1` means: pure. A message that cannot be understood is an error, never half obeyed."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from shared.bus.messages import Trust
from shared.errors import BusError
from shared.tls.certificate import fingerprint
from shared.tls.roles import Grant, Rights, RoleTable, Row
from shared.tls.trust import NOBODY, Pin, TrustSet


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """The owner's decisions at one moment. Replaced as a whole; compared by identity.

    Attributes:
        version: of the message; (0, 0) before the first.
        trust: who is accepted.
        roles: what the role in a certificate allows.
        authorities: CAs known here.
        own: version of the gateway's own keys.
        labels: fingerprint -> the owner's name for a certificate.
        authority_fingerprints: of all authorities.
    """

    version: tuple[int, int]
    trust: TrustSet
    roles: RoleTable
    authorities: tuple[x509.Certificate, ...]
    own: str
    labels: dict[str, str]
    authority_fingerprints: frozenset[str] = frozenset()


NONE = Decisions((0, 0), NOBODY, RoleTable(()), (), "", {})
"""Before the certificate manager has said anything: nobody is accepted."""


def decisions_of(message: Trust) -> Decisions:
    """Compile a message.

    Raises:
        BusError: it cannot be understood. Whoever goes on with what was before may serve somebody just deleted.
    """
    try:
        pins = [
            Pin(fingerprint=identity, grant=Grant(grant), label=message.labels.get(identity, ""))
            for identity, grant in message.accepted.items()
        ]
        rows = [
            Row(
                role=row.name,
                functions=row.functions,
                read=tuple((first, end - 1) for first, end in row.read),
                write=tuple((first, end - 1) for first, end in row.write),
            )
            for row in message.roles
        ]
        for row in rows:
            Rights(frozenset(row.functions), row.read, row.write)  # a range that is none shows here, not while serving
        authorities = tuple(x509.load_pem_x509_certificates(message.authorities)) if message.authorities else ()
    except ValueError as error:
        raise BusError(f"trust/1 of {message.src}, gen {message.gen}, seq {message.seq}: {error}") from error
    return Decisions(
        message.version,
        TrustSet(message.gen << 32 | message.seq, pins, message.blocked),
        RoleTable(rows),
        authorities,
        message.own,
        message.labels,
        frozenset(fingerprint(each.public_bytes(Encoding.DER)) for each in authorities),
    )
