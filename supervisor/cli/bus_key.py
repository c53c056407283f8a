"""`metergate bus-key`: the key pair with which a host takes part in a bus over TCP."""

import os
from pathlib import Path

import click
import zmq

from shared.errors import RefusedError


@click.command("bus-key")
@click.argument("file", type=click.Path(path_type=Path))
def bus_key(*, file: Path) -> None:
    """Write a new secret key to FILE, and print the public key for [[bus.host]].

    Where FILE exists, it stays, and its public key is printed.
    """
    try:
        secret = _existing(file) or _new(file)
    except OSError as error:
        raise RefusedError(f"{file}: {error.strerror}; check path and permissions") from error
    try:
        click.echo(zmq.curve_public(secret).decode())
    except (ValueError, zmq.ZMQError):
        raise RefusedError(f"{file} exists, but holds no CURVE secret key; name another file") from None


def _existing(file: Path) -> bytes | None:
    return file.read_bytes().strip() if file.exists() else None


def _new(file: Path) -> bytes:
    _, secret = zmq.curve_keypair()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(secret + b"\n")
    return secret
