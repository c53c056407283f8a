"""Certificates for tests, good and bad, and peers that use them."""

import asyncio
import datetime as dt
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from shared.tls.accept import Acceptor
from shared.tls.context import server_context
from shared.tls.handshake import Handshake
from shared.tls.keys import Kind, OwnKeys, generate
from shared.tls.limits import Limits, Refusal
from shared.tls.peer import TlsPeer

T = TypeVar("T")
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

NOW = dt.datetime(2026, 11, 10, tzinfo=dt.UTC)
NOW_S = NOW.timestamp()
DAY = dt.timedelta(days=1)
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]
"""What the code has to run on."""

GENEROUS = Limits(rate=10_000, burst=10_000, rate_per_origin=10_000, burst_per_origin=10_000)


@cache
def key(name: str = "ec") -> Key:
    """One key for each name; making RSA keys is slow."""
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, int(name.removeprefix("rsa").partition("-")[0] or 2048))
    if name.startswith("ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    curves: dict[str, ec.EllipticCurve] = {"p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves.get(name, ec.SECP256R1()))


@dataclass
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        """Of the certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """Of the certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def save(self, folder: Path, *chain: "Made") -> Path:
        """Key, certificate and chain in one file."""
        path = folder / f"{self.certificate.serial_number:x}.pem"
        own_key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(own_key + self.pem + b"".join(made.pem for made in chain))
        return path


def make(
    name: str = "peer",
    *,
    with_key: str = "ec",
    issuer: Made | None = None,
    begin: dt.datetime = NOW - 10000 * DAY,
    end: dt.datetime = NOW + 10000 * DAY,
    ca: bool = False,
    serial: int = 0,
    extensions: Sequence[x509.ExtensionType] = (),
) -> Made:
    """A certificate, signed by itself where no issuer is given."""
    own = key(with_key)
    kind = NameOID.COMMON_NAME if len(name) <= 64 else NameOID.UNSTRUCTURED_NAME  # which has no limit
    subject = x509.Name([x509.NameAttribute(kind, name)])
    signer = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Made(builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else SHA256()), own)


@cache
def own_keys() -> OwnKeys:
    """Of the server under test."""
    return OwnKeys(*(generate(kind, ["localhost", "127.0.0.1"], NOW_S) for kind in Kind))


def run(story: Coroutine[Any, Any, T], loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop) -> T:
    """Run to its end on a loop of its own; what a callback raised fails it."""
    faults: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: faults.append(context))
        result = runner.run(story)
    assert not faults, faults
    return result


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = bytearray()
        self.pauses = 0
        self.resumes = 0
        self.lost: list[Exception | None] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.pauses += 1
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.resumes += 1
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)


class Watched(Acceptor):
    """Counts the handshakes that have ended."""

    over = 0

    def ended(self, handshake: Handshake) -> None:
        """Its place is free."""
        super().ended(handshake)
        self.over += 1


@dataclass
class Service:
    """A server under test and what it saw.

    Attributes:
        begun: handshakes that it was asked to begin.
    """

    acceptor: Watched
    begun: int = 0
    peers: list[TlsPeer] = field(default_factory=list)
    protocols: list[Echo] = field(default_factory=list)
    told: list[tuple[str, Refusal, str]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.acceptor.port

    @property
    def ended(self) -> int:
        """Handshakes whose place is free again, done or failed."""
        return self.acceptor.over


@asynccontextmanager
async def serving(
    context: SSL.Context | None = None,
    *,
    limits: Limits = GENEROUS,
    wanted: Callable[[TlsPeer], bool] = lambda _: True,
    room: Callable[[str], bool] = lambda _: True,
    send_buffer: int = 0,
    host: str = "127.0.0.1",
) -> AsyncIterator[Service]:
    """An echo server."""

    def factory(peer: TlsPeer) -> asyncio.Protocol | None:
        service.peers.append(peer)
        if not wanted(peer):
            return None
        service.protocols.append(Echo())
        return service.protocols[-1]

    def asked(address: str) -> bool:
        service.begun += 1
        return room(address)

    acceptor = Watched(
        context or server_context(own_keys().pairs),
        factory,
        limits=limits,
        room=asked,
        told=lambda *what: service.told.append(what),
    )
    service = Service(acceptor)
    sock = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    if send_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    acceptor.start([sock])
    try:
        yield service
    finally:
        acceptor.stop()
        for protocol in service.protocols:
            protocol.transport.abort()
        await asyncio.sleep(0)


def client_settings(identity: Path | None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A foreign client: the interpreter's own TLS."""
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = False
    settings.verify_mode = ssl.CERT_NONE
    settings.set_ciphers("ALL:@SECLEVEL=0")
    settings.minimum_version = settings.maximum_version = version
    if identity is not None:
        settings.load_cert_chain(identity)
    return settings


def connect(port: int, settings: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    """Blocks until the handshake is done."""
    raw = socket.create_connection(("127.0.0.1", port), 5)
    try:
        return settings.wrap_socket(raw, session=session)
    except BaseException:
        raw.close()
        raise


def ask(port: int, settings: ssl.SSLContext, data: bytes = b"ping") -> bytes:
    """One exchange, then an orderly end. Blocks."""
    with connect(port, settings) as peer:
        peer.sendall(data)
        got = b""
        while len(got) < len(data) and (part := peer.recv(65536)):
            got += part
        if got == data:
            peer.unwrap().close()
        return got


def openssl(*args: str | Path, said: bytes = b"") -> str:
    """What the program prints. Blocks."""
    done = subprocess.run(
        ["openssl", *map(str, args)],
        input=said,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=10,
        check=False,
    )
    return done.stdout.decode(errors="replace")


async def s_client(port: int, identity: Path | None, *args: str, said: bytes = b"") -> str:
    """`openssl s_client` against us."""
    shown = ("-cert", identity, "-key", identity) if identity else ()
    return await asyncio.to_thread(openssl, "s_client", "-connect", f"127.0.0.1:{port}", *shown, *args, said=said)
