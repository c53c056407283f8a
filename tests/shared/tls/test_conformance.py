"""Requirements of Modbus/TCP Security that no other test shows; docs/conformance.md names the test of each."""

import asyncio
import re
import ssl
import warnings
from pathlib import Path

import pytest

from shared.connect import Connector
from shared.errors import PeerError
from shared.tls.context import CIPHERS, CIPHERSUITES, client_context, server_context
from shared.tls.dial import dial
from shared.tls.keys import Kind, OwnPair, generate
from tests.shared.tls.hello import client_hello
from tests.shared.tls.material import NOW_S, Echo, ask, client_settings, make, openssl, own_keys, run, s_client, serving
from tests.support import until

REGISTERED = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B,
    "ECDHE-RSA-AES128-GCM-SHA256": 0xC02F,
    "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C,
    "ECDHE-RSA-AES256-GCM-SHA384": 0xC030,
    "ECDHE-ECDSA-CHACHA20-POLY1305": 0xCCA9,
    "ECDHE-RSA-CHACHA20-POLY1305": 0xCCA8,
    "TLS_AES_128_GCM_SHA256": 0x1301,
    "TLS_AES_256_GCM_SHA384": 0x1302,
    "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
}
"""IANA's numbers; all of these authenticate by certificate, encrypt with an AEAD and hash with SHA-256 or SHA-384."""
SECURE_RENEGOTIATION = 0x00FF
"""No suite but a sign (RFC 5746 3.3), for servers that stumble over extensions."""


def test_no_suite_is_configured_that_is_not_registered() -> None:
    assert set(f"{CIPHERS.decode()}:{CIPHERSUITES.decode()}".split(":")) == set(REGISTERED)


def test_our_client_offers_these_suites_and_no_other() -> None:
    suites = client_hello(client_context(own_keys().ec)).suites
    assert sorted(set(suites) - {SECURE_RENEGOTIATION}) == sorted(REGISTERED.values())


def test_our_client_offers_no_compression_and_neither_tickets_nor_sessions() -> None:
    hello = client_hello(client_context(own_keys().ec))
    assert hello.compressions == b"\0"
    assert {35, 41}.isdisjoint(hello.extensions), "session_ticket, pre_shared_key"


def test_our_client_names_its_curves_and_point_formats() -> None:
    hello = client_hello(client_context(own_keys().ec))
    assert hello.numbers(10, 2) == [23, 24, 29], "supported_groups: P-256, P-384, X25519"
    assert 0 in hello.extensions[11][1:], "ec_point_formats: uncompressed"


def test_our_client_signals_secure_renegotiation() -> None:
    hello = client_hello(client_context(own_keys().ec))
    assert 65281 in hello.extensions or SECURE_RENEGOTIATION in hello.suites


def test_our_client_cannot_ask_for_short_records() -> None:
    """The deviation that the page names; should pyOpenSSL learn it, this fails, and the page has to change."""
    assert 1 not in client_hello(client_context(own_keys().ec)).extensions


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_our_client_speaks_both_versions_and_never_resumes(version: ssl.TLSVersion, tmp_path: Path) -> None:
    identity = make().save(tmp_path)
    reused: list[bool | None] = []

    async def story() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reused.append(writer.get_extra_info("ssl_object").session_reused)
            writer.write(await reader.read(4))
            await reader.read()
            writer.close()

        settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # with tickets and a cache, as usual
        settings.load_cert_chain(identity)
        settings.minimum_version = settings.maximum_version = version
        context = client_context(own_keys().ec)
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=settings) as server:
            port = server.sockets[0].getsockname()[1]
            for _ in range(2):
                echo = Echo()
                transport = await dial(context, Connector("127.0.0.1", port), lambda _, echo=echo: echo)  # type: ignore[misc]
                assert transport.get_extra_info("tls_peer").version == version.name.replace("_", ".")
                transport.write(b"ping")
                await until(lambda echo=echo: echo.received)  # type: ignore[misc]
                transport.abort()
                await until(lambda echo=echo: echo.lost)  # type: ignore[misc]

    run(story())
    assert reused == [False, False]


def test_our_client_refuses_old_versions(tmp_path: Path) -> None:
    identity = make().save(tmp_path)

    async def story() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            del reader
            writer.close()

        settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        settings.load_cert_chain(identity)
        settings.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old is what it shall be
            settings.minimum_version = settings.maximum_version = ssl.TLSVersion.TLSv1_1
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=settings) as server:
            port = server.sockets[0].getsockname()[1]
            old = await s_client(port, None, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
            assert "New, TLSv1.0, Cipher is" in old, "whoever wants that gets it there"
            with pytest.raises(PeerError, match="handshake"):
                await dial(client_context(own_keys().ec), Connector("127.0.0.1", port), lambda _: Echo())

    run(story())


def test_the_server_asks_for_a_certificate(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            for version in ("-tls1_2", "-tls1_3"):
                said = await s_client(service.port, make().save(tmp_path), version, "-msg")
                assert re.search(r"<<< TLS 1\.[23], Handshake \[length [0-9a-f]+\], CertificateRequest", said)

    run(story())


@pytest.mark.parametrize("cipher", ["NULL-SHA256", "ECDHE-RSA-NULL-SHA", "PSK-AES128-GCM-SHA256", "ADH-AES128-SHA256"])
def test_neither_encryption_nor_authentication_can_be_talked_away(cipher: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            offer = ("-tls1_2", "-psk", "00", "-cipher", f"{cipher}:@SECLEVEL=0")
            said = await s_client(service.port, make().save(tmp_path), *offer)
            assert "Cipher is (NONE)" in said
            assert service.peers == []

    run(story())


def test_nothing_is_compressed(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            said = await s_client(service.port, make().save(tmp_path), "-tls1_2", "-comp")
            assert "Compression: NONE" in said

    run(story())


def test_the_whole_chain_is_shown_up_to_the_root(tmp_path: Path) -> None:
    root = make("root", with_key="ec-root", ca=True)
    middle = make("middle", with_key="ec-middle", issuer=root, ca=True)
    leaf = make("leaf", issuer=middle)
    pair = OwnPair(Kind.EC, leaf.key, (leaf.certificate, middle.certificate, root.certificate))  # type: ignore[arg-type]

    async def story() -> None:
        async with serving(server_context([pair])) as service:
            said = await s_client(service.port, make().save(tmp_path), "-showcerts")
            subjects = re.findall(r"^ *\d s:CN = (\w+)", said, re.MULTILINE)
            assert subjects == ["leaf", "middle", "root"]

    run(story())


def test_our_clients_certificate_comes_with_its_chain_as_well(tmp_path: Path) -> None:
    root = make("root", with_key="ec-root", ca=True)
    leaf = make("leaf", issuer=root)
    pair = OwnPair(Kind.EC, leaf.key, (leaf.certificate, root.certificate))  # type: ignore[arg-type]
    known = tmp_path / "root.pem"
    known.write_bytes(root.pem)

    async def story() -> None:
        async with serving(server_context(own_keys().pairs, [root.certificate])) as service:
            echo = Echo()
            transport = await dial(client_context(pair), Connector("127.0.0.1", service.port), lambda _: echo)
            await until(lambda: service.peers)
            assert service.peers[0].chain_valid
            transport.abort()
            await until(lambda: echo.lost)

    run(story())


@pytest.mark.parametrize("kind", list(Kind))
def test_openssl_finds_nothing_to_object_to_in_what_we_make(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    path.write_bytes(generate(kind, ["meter.example"], NOW_S, "Role").export())
    for purpose in ("sslserver", "sslclient"):
        arguments = ("-x509_strict", "-check_ss_sig", "-purpose", purpose, "-attime", str(int(NOW_S)))
        assert openssl("verify", *arguments, "-CAfile", path, path).strip() == f"{path}: OK"


def test_our_certificates_serve_both_purposes(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(own_keys().ec.export())
    text = openssl("x509", "-in", tmp_path / "own.pem", "-noout", "-purpose")
    assert re.search(r"^SSL client : Yes$", text, re.MULTILINE)
    assert re.search(r"^SSL server : Yes$", text, re.MULTILINE)


def test_a_handshake_at_each_version_ends_encrypted(tmp_path: Path) -> None:
    """What travels is not what was said."""
    identity = make().save(tmp_path)
    heard = bytearray()

    async def story() -> None:
        async with serving() as service:

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                onward_reader, onward = await asyncio.open_connection("127.0.0.1", service.port)

                async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                    while data := await source.read(65536):
                        heard.extend(data)
                        sink.write(data)
                    sink.close()

                await asyncio.gather(pump(reader, onward), pump(onward_reader, writer))

            async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                said = b"this can be read by nobody on the way"
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    got = await asyncio.to_thread(ask, port, client_settings(identity, version), said)
                    assert got == said
                assert len(heard) > 1000
                assert said not in heard

    run(story())


@pytest.mark.parametrize(
    ("group", "shown"), [("P-256", "ECDH, prime256v1"), ("P-384", "ECDH, secp384r1"), ("X25519", "X25519")]
)
def test_keys_are_exchanged_on_strong_curves(group: str, shown: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            said = await s_client(service.port, make().save(tmp_path), "-groups", group)
            assert f"Server Temp Key: {shown}" in said

    run(story())


@pytest.mark.parametrize("group", ["X448", "P-521", "ffdhe2048"])
def test_keys_are_exchanged_on_no_other(group: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            assert "Cipher is (NONE)" in await s_client(service.port, make().save(tmp_path), "-groups", group)

    run(story())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_our_client_takes_a_server_whose_certificate_is_on_p384(version: ssl.TLSVersion, tmp_path: Path) -> None:
    identity = make(with_key="p384").save(tmp_path)

    async def story() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        settings.load_cert_chain(identity)
        settings.minimum_version = settings.maximum_version = version
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=settings) as server:
            echo = Echo()
            port = server.sockets[0].getsockname()[1]
            transport = await dial(client_context(own_keys().ec), Connector("127.0.0.1", port), lambda _: echo)
            assert transport.get_extra_info("tls_peer").certificate.key == "EC P-384"
            transport.abort()
            await until(lambda: echo.lost)

    run(story())
