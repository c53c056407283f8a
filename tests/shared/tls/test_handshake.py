"""Who gets through a handshake and who does not, seen by OpenSSL's own client and by the interpreter's."""

import asyncio
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from shared.tls.certificate import MAX_DER, floor, read
from shared.tls.context import CIPHERS, server_context
from shared.tls.limits import Refusal
from shared.tls.peer import TlsPeer
from shared.tls.roles import Grant
from shared.tls.trust import Pin, Standing, TrustSet
from tests.shared.tls.material import (
    DAY,
    LOOPS,
    NOW_S,
    Made,
    Service,
    ask,
    client_settings,
    connect,
    make,
    openssl,
    own_keys,
    run,
    s_client,
    serving,
)
from tests.support import until

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519", "p384"])
def test_an_unknown_certificate_is_captured_with_its_key_proven(
    kind: str, version: ssl.TLSVersion, loop: object, tmp_path: Path
) -> None:
    made = make("stranger", with_key=kind)

    async def story() -> Service:
        async with serving() as service:
            settings = client_settings(made.save(tmp_path), version)
            assert await asyncio.to_thread(ask, service.port, settings) == b"ping"
            await until(lambda: service.protocols[0].lost)
            assert service.protocols[0].lost == [None]
        return service

    service = run(story(), loop)  # type: ignore[arg-type]
    (peer,) = service.peers
    assert peer.der == made.der
    assert peer.certificate == read(made.der)
    assert (peer.address, peer.chain_valid) == ("127.0.0.1", False)
    assert peer.version == version.name.replace("_", ".")
    assert service.ended == 1


@pytest.mark.parametrize(
    ("version", "alert"), [("-tls1_2", "alert handshake failure"), ("-tls1_3", "alert certificate required")]
)
def test_no_client_certificate_is_told_so(version: str, alert: str) -> None:
    async def story() -> Service:
        async with serving() as service:
            assert alert in await s_client(service.port, None, version, "-ign_eof", said=b"")
            await until(lambda: service.told)
        return service

    service = run(story())
    assert service.told == [("127.0.0.1", Refusal.HANDSHAKE, "peer did not return a certificate")]
    assert service.peers == []


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(version: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            said = await s_client(service.port, make().save(tmp_path), version, "-cipher", "ALL:@SECLEVEL=0")
            assert "alert protocol version" in said
            await until(lambda: service.told)
            assert service.told[0][1:] == (Refusal.HANDSHAKE, "unsupported protocol")

    run(story())


@pytest.mark.parametrize(
    "cipher", ["AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256"]
)
def test_suites_that_the_specification_forbids_are_refused(cipher: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            said = await s_client(service.port, make().save(tmp_path), "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
            assert "alert handshake failure" in said

    run(story())


@pytest.mark.parametrize("cipher", CIPHERS.decode().split(":"))
def test_one_server_speaks_with_both_its_keys(cipher: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            said = await s_client(service.port, make().save(tmp_path), "-tls1_2", "-cipher", cipher, "-groups", "P-256")
            assert f"Cipher is {cipher}" in said
            assert "Server Temp Key: ECDH, prime256v1" in said

    run(story())


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_maximum_fragment_length_is_answered(version: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            asked = ("-maxfraglen", "512", "-tlsextdebug", version)
            said = await s_client(service.port, make().save(tmp_path), *asked)
            assert 'TLS server extension "max fragment length" (id=1), len=1' in said

    run(story())


def test_renegotiation_is_refused_but_signalled_secure(tmp_path: Path) -> None:
    identity = make().save(tmp_path)

    def renegotiate(port: int) -> str:
        args = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2"]
        args += ["-cert", str(identity), "-key", str(identity)]
        with subprocess.Popen(
            args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as client:
            assert client.stdin
            assert client.stdout
            said = ""
            while "Extended master secret" not in said:  # the last line about the session: now it takes commands
                line = client.stdout.readline()
                assert line, said
                said += line
            client.stdin.write("R\n")
            client.stdin.flush()
            return said + str(client.stdout.read())

    async def story() -> None:
        async with serving() as service:
            said = await asyncio.to_thread(renegotiate, service.port)
            assert "Secure Renegotiation IS supported" in said
            assert "Compression: NONE" in said
            assert "RENEGOTIATING" in said
            assert "no renegotiation" in said
            assert len(service.peers) == 1

    run(story())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_saved_session_never_resumes(version: ssl.TLSVersion, tmp_path: Path) -> None:
    settings = client_settings(make().save(tmp_path), version)

    def twice(port: int) -> tuple[bool, bool]:
        with connect(port, settings) as first:
            first.sendall(b"x")
            assert first.recv(1) == b"x"
            session = first.session
        with connect(port, settings, session) as second:
            second.sendall(b"x")
            assert second.recv(1) == b"x"
            return bool(session and session.has_ticket), bool(second.session_reused)

    async def story() -> None:
        async with serving() as service:
            ticket, reused = await asyncio.to_thread(twice, service.port)
            assert not reused
            assert not (ticket and version is ssl.TLSVersion.TLSv1_2)
            assert len(service.peers) == 2
            assert all(peer.certificate.key == "EC P-256" for peer in service.peers)

    run(story())


def test_a_weak_key_gets_through_the_handshake_and_is_below_the_floor(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(wanted=lambda peer: floor(peer.certificate) is None) as service:
            settings = client_settings(make(with_key="rsa1024").save(tmp_path))
            assert await asyncio.to_thread(ask, service.port, settings) == b""
            assert floor(service.peers[0].certificate) == "its RSA key has 1024 bits, fewer than 2048"
            assert service.told == [("127.0.0.1", Refusal.UNWANTED, "")]
            assert service.ended == 1

    run(story())


def test_an_oversized_certificate_is_known_by_its_fingerprint_only(tmp_path: Path) -> None:
    made = make(extensions=[x509.SubjectAlternativeName([x509.DNSName(f"{n}.example") for n in range(2000)])])

    async def story() -> None:
        async with serving() as service:
            await asyncio.to_thread(ask, service.port, client_settings(made.save(tmp_path)))
            (peer,) = service.peers
            assert peer.der == b""
            assert peer.certificate.fingerprint == read(made.der).fingerprint
            assert str(MAX_DER) in str(floor(peer.certificate))

    run(story())


class Chains:
    """A CA and what it signed."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        client = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        self.root = make("root", with_key="ec-root", ca=True)
        self.middle = make("middle", with_key="ec-middle", issuer=self.root, ca=True)
        self.leaf = make("leaf", issuer=self.middle, extensions=[client])
        self.plain = make("plain", issuer=self.middle)
        self.server_only = make("server", issuer=self.middle, extensions=[server])
        self.old = make("old", issuer=self.middle, end=now - DAY)
        self.early = make("early", issuer=self.middle, begin=now + DAY)


@pytest.mark.parametrize(
    ("leaf", "sent", "valid"),
    [
        ("leaf", True, True),
        ("plain", True, True),
        ("leaf", False, False),
        ("server_only", True, False),
        ("old", True, False),
        ("early", True, False),
    ],
)
def test_opinion_about_a_chain_to_a_known_ca(leaf: str, sent: bool, valid: bool, tmp_path: Path) -> None:
    chains = Chains()
    made: Made = getattr(chains, leaf)
    identity = made.save(tmp_path, *([chains.middle] if sent else []))

    async def story() -> None:
        context = server_context(own_keys().pairs, [chains.root.certificate])
        async with serving(context) as service:
            await asyncio.to_thread(ask, service.port, client_settings(identity))
            (peer,) = service.peers
            assert peer.chain_valid is valid
            assert peer.authority == (read(chains.root.der).fingerprint if valid else "")
            assert peer.der == made.der

    run(story())


def test_an_intermediate_alone_is_no_root() -> None:
    chains = Chains()
    assert_chain(chains.leaf, [chains.middle], valid=False)


def test_a_child_of_an_accepted_ca_certificate_is_a_stranger() -> None:
    parent = make("parent", with_key="ec-parent", ca=True)
    child = make("child", issuer=parent)
    said = read(parent.der)
    accepted = TrustSet(1, [Pin(fingerprint=said.fingerprint, key_hash=said.key_hash, grant=Grant.READ_WRITE)])
    for sent in ((), (parent,)):
        peer = assert_chain(child, [], *sent, valid=False)
        verdict = accepted.verdict(peer.certificate, chain_valid=peer.chain_valid, now_s=NOW_S)
        assert verdict.standing is Standing.PENDING


def assert_chain(leaf: Made, known: list[Made], *sent: Made, valid: bool) -> TlsPeer:
    async def story() -> TlsPeer:
        context = server_context(own_keys().pairs, [made.certificate for made in known])
        with TemporaryDirectory() as folder:
            async with serving(context) as service:
                await asyncio.to_thread(ask, service.port, client_settings(leaf.save(Path(folder), *sent)))
                assert service.peers[0].chain_valid is valid
                return service.peers[0]

    return run(story())


def test_a_ca_made_with_openssl_is_known(tmp_path: Path) -> None:
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"),
        *("-keyout", tmp_path / "ca.key", "-out", tmp_path / "ours.crt", "-subj", "/CN=our CA"),
    )
    request = tmp_path / "csr"
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "k"),
        *("-out", request, "-subj", "/CN=leaf"),
    )
    openssl(
        *("x509", "-req", "-in", request, "-CA", tmp_path / "ours.crt", "-CAkey", tmp_path / "ca.key"),
        *("-CAcreateserial", "-days", "3000", "-out", tmp_path / "c"),
    )
    identity = tmp_path / "both.pem"
    identity.write_bytes((tmp_path / "k").read_bytes() + (tmp_path / "c").read_bytes())

    async def story() -> None:
        authorities = x509.load_pem_x509_certificates((tmp_path / "ours.crt").read_bytes())
        async with serving(server_context(own_keys().pairs, authorities)) as service:
            await asyncio.to_thread(ask, service.port, client_settings(identity))
            assert service.peers[0].chain_valid

    run(story())
