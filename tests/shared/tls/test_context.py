"""What our contexts offer a peer."""

import pytest
from OpenSSL import SSL

from shared.tls.context import client_context
from tests.shared.tls.material import own_keys


def test_a_client_context_asks_for_p256_first_in_a_short_message() -> None:
    dialling = SSL.Connection(client_context(own_keys().ec), None)
    dialling.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        dialling.do_handshake()
    hello = dialling.bio_read(4096)
    assert bytes.fromhex("000a0008000600170018001d") in hello  # supported_groups: secp256r1, secp384r1, x25519
    assert bytes.fromhex("00170041") in hello  # key_share: secp256r1 alone
    assert len(hello) < 400
    assert bytes.fromhex("c02bc02f") in hello
    assert b"\xc0\x13" not in hello[43:100]
