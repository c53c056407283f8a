"""OpenSSL called directly, and what happens where that cannot be."""

import asyncio
from pathlib import Path

import pytest

from shared.tls import connection
from shared.tls.context import client_context, server_context
from tests.shared.tls.material import ask, client_settings, make, own_keys, run, serving


def test_openssl_is_called_directly() -> None:
    """The installed pyOpenSSL still has the names that make reads and writes cheap."""
    assert connection.DIRECT
    pair = [
        connection.TlsConnection(context)
        for context in (server_context(own_keys().pairs), client_context(own_keys().ec))
    ]
    assert all(hasattr(one, "_ssl") for one in pair)


def test_without_the_names_of_this_pyopenssl_data_still_flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "DIRECT", False)

    async def story() -> None:
        async with serving() as service:
            data = b"x" * 5000
            assert await asyncio.to_thread(ask, service.port, client_settings(make().save(tmp_path)), data) == data

    run(story())
