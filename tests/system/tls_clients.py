"""TLS clients that nobody here wrote. Each reads registers, or says which exception it got."""

import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pymodbus.client import ModbusTlsClient
from sunspec2.modbus.modbus import ModbusClientException, ModbusClientTCP

from tests.support import ROOT, Processes, free_port, is_listening, wait_for
from tests.system.foreign import need
from tests.system.ksem_map import READS

Reads = dict[tuple[int, int], list[int]]

STUNNEL = """foreground = yes
pid =
debug = 3
[gateway]
client = yes
accept = 127.0.0.1:{plain}
connect = 127.0.0.1:{port}
cert = {identity}
CAfile = {known}
verifyPeer = yes
"""


class RefusedError(Exception):
    """The gateway answered with exception 01."""


@dataclass(frozen=True)
class Place:
    """Where a client connects, and as whom.

    Attributes:
        port: of the TLS slave.
        identity: key and certificate in one file.
        known: the gateway's own certificates, which the client verifies.
        folder: for files.
        processes: that end with the test.
    """

    port: int
    identity: Path
    known: Path
    folder: Path
    processes: Processes


Reader = Callable[[Place], Reads]


def pymodbus(place: Place) -> Reads:
    """The Python library."""
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = False  # the library names no host
    settings.load_cert_chain(place.identity)
    settings.load_verify_locations(place.known)
    client = ModbusTlsClient("localhost", port=place.port, sslctx=settings, retries=0)
    assert client.connect()  # type: ignore[no-untyped-call]
    try:
        found: Reads = {}
        for address, count in READS:
            answer = client.read_holding_registers(address, count=count, device_id=1)
            if answer.isError():
                assert answer.exception_code == 1
                raise RefusedError
            found[address, count] = list(answer.registers)
        return found
    finally:
        client.close()  # type: ignore[no-untyped-call]


def pysunspec2(place: Place) -> Reads:
    """The SunSpec alliance's library, whose TLS verifies the gateway's name."""
    client = ModbusClientTCP(
        ipaddr="127.0.0.1", ipport=place.port, timeout=5, tls=True,
        cafile=str(place.known), certfile=str(place.identity), keyfile=str(place.identity),
    )  # fmt: skip
    client.connect()
    try:
        found: Reads = {}
        for address, count in READS:
            data = client.read(address, count)
            found[address, count] = [int.from_bytes(data[at : at + 2], "big") for at in range(0, 2 * count, 2)]
    except ModbusClientException as error:
        if "Modbus exception 1:" in str(error):
            raise RefusedError from error
        raise
    else:
        return found
    finally:
        client.disconnect()


def modbus_serial(place: Place) -> Reads:
    """Node's TLS under the JavaScript library."""
    node = shutil.which("node")
    modules = ROOT / "tests" / "foreign" / "node_modules" / "modbus-serial"
    need("node", "on Debian: apt install nodejs npm", here=node is not None)
    need("modbus-serial", "npm ci --omit=optional --prefix tests/foreign", here=modules.is_dir())
    assert node
    spans = [f"{address}:{count}" for address, count in READS]
    script = ROOT / "tests" / "foreign" / "read_tls.js"
    output = run(
        [node, script, str(place.port), "1", place.identity, place.known, *spans], "Illegal function", "code 1"
    )
    return dict(zip(READS, json.loads(output), strict=True))


def stunnel_and_mbpoll(place: Place) -> Reads:
    """A program that knows no TLS, behind one that knows nothing else."""
    stunnel = shutil.which("stunnel4") or shutil.which("stunnel")
    need("stunnel", "on Debian: apt install stunnel4", here=stunnel is not None)
    need("mbpoll", "on Debian: apt install mbpoll", here=shutil.which("mbpoll") is not None)
    assert stunnel
    plain = free_port()
    settings = place.folder / f"stunnel-{plain}.conf"
    settings.write_text(
        STUNNEL.format(plain=plain, port=place.port, identity=place.identity, known=place.known), encoding="ascii"
    )
    place.processes.start(stunnel, settings)
    wait_for(lambda: is_listening(plain), "stunnel listens")
    found: Reads = {}
    for address, count in READS:
        command = ["mbpoll", "-m", "tcp", "-p", str(plain), "-a", "1", "-0", "-r", str(address), "-c", str(count)]
        output = run([*command, "-t", "4:hex", "-1", "-q", "127.0.0.1"], "Illegal function")
        lines = re.findall(r"^\[(\d+)\]:\s+0x([0-9A-F]{4})", output, re.MULTILINE)
        words = {int(at): int(word, 16) for at, word in lines}
        found[address, count] = [words[at] for at in range(address, address + count)]
    return found


def run(command: list[str | Path], *refusals: str) -> str:
    """What a program prints; one of `refusals` in it means exception 01."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode and any(words in done.stderr + done.stdout for words in refusals):
        raise RefusedError
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
