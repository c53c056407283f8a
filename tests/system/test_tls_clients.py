"""TLS clients that nobody here wrote: refused, then served, then refused again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import make
from tests.support import Processes, wait_for
from tests.system.ksem_map import by_address, disagreements
from tests.system.tables import constant, household, replay
from tests.system.tls import TlsClient, TlsGateway, running_tls
from tests.system.tls_clients import (
    Place,
    Reader,
    RefusedError,
    modbus_serial,
    pymodbus,
    pysunspec2,
    stunnel_and_mbpoll,
)
from tests.system.wire import read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

VALUES = household(1)
NAMES = '[certificates]\nnames = ["localhost", "127.0.0.1"]\n'
READERS = [
    pytest.param(pymodbus, id="pymodbus"),
    pytest.param(pysunspec2, id="pysunspec2"),
    pytest.param(modbus_serial, id="modbus-serial", marks=pytest.mark.foreign),
    pytest.param(stunnel_and_mbpoll, id="stunnel-mbpoll", marks=pytest.mark.foreign),
]


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[TlsGateway]:
    """One on which nothing changes, so that every register is known."""
    constant(short_folder / "still.csv", VALUES)
    with running_tls(short_folder / "g", replay(short_folder / "still.csv"), more=NAMES) as made:
        yield made


@pytest.fixture(scope="module")
def known(gateway: TlsGateway, short_folder: Path) -> Path:
    """The gateway's own certificates, as its owner hands them over."""
    path = short_folder / "own.pem"
    done = gateway.cli("certs", "own", "--export", str(path))
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_foreign_client_is_refused_then_served_then_refused_again(
    reader: Reader, gateway: TlsGateway, known: Path, tmp_path: Path, processes: Processes
) -> None:
    made = make("a client")
    place = Place(gateway.tls_port, made.save(tmp_path), known, tmp_path, processes)
    before = set(gateway.rows())
    for _ in range(2):
        with pytest.raises(RefusedError):
            reader(place)
    identity = fingerprint(made.der)
    wait_for(lambda: gateway.status(made) == "pending", "listed")
    assert set(gateway.rows()) - before == {identity}, "once, however often it came"
    assert gateway.cli("certs", "accept", identity, "--label", "a client").returncode == 0
    assert disagreements(by_address(reader(place)), VALUES) == []
    listed = json.loads(gateway.cli("certs", "list", "--json").stdout)
    assert [row["label"] for row in listed if row["fingerprint"] == identity] == ["a client"]
    assert gateway.cli("certs", "delete", identity).returncode == 0
    with pytest.raises(RefusedError):
        reader(place)
    wait_for(lambda: gateway.status(made) == "pending", "listed anew")


def test_pysunspec2_scans_over_tls(gateway: TlsGateway, known: Path, tmp_path: Path) -> None:
    made = make("a scanner")
    identity = made.save(tmp_path)
    with TlsClient(gateway.tls_port, identity) as client:
        client.ask(read_pdu(0, 2))
        gateway.accept(made)
    device = SunSpecModbusClientDeviceTCP(
        ipaddr="127.0.0.1", ipport=gateway.tls_port, tls=True, cafile=str(known), certfile=str(identity),
        keyfile=str(identity),
    )  # fmt: skip
    try:
        device.scan()
        models = {model.model_id: model for model in device.model_list}
        assert list(models) == [1, 203]
        assert models[203].W.cvalue == pytest.approx(VALUES["active_power"], abs=0.51)
    finally:
        device.close()
        gateway.delete(made)
