"""What went over a TCP connection, as a capture file that tshark reads: heard by a relay, framed by hand."""

import socket
import struct
import threading
import time
from pathlib import Path
from typing import Final, Self

CLIENT, SERVER = 50000, 802
_LONGEST: Final = 1400
_ADDRESSES: Final = {CLIENT: bytes((192, 0, 2, 1)), SERVER: bytes((192, 0, 2, 2))}
_SYN, _ACK, _PUSH = 2, 16, 8


class Relay:
    """One connection to `port`, and what was said on it.

    Attributes:
        port: where it listens.
        heard: (from client?, bytes), in order.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.heard: list[tuple[bool, bytes]] = []
        self._thread = threading.Thread(target=self._relay, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def wait_end(self) -> None:
        """Both sides have closed."""
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _relay(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            pumps = [
                threading.Thread(target=self._pump, args=args, daemon=True)
                for args in ((client, server, True), (server, client, False))
            ]
            for pump in pumps:
                pump.start()
            for pump in pumps:
                pump.join(10)

    def _pump(self, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        try:
            while data := source.recv(65536):
                self.heard.append((from_client, data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # whoever is cut off has nothing more to say
            return


def write_capture(path: Path, heard: list[tuple[bool, bytes]]) -> None:
    """A pcap file of Ethernet frames between two addresses that belong to nobody, the server on port 802."""
    sent = {CLIENT: 1000, SERVER: 5000}
    packets = [_packet(CLIENT, SERVER, sent, _SYN), _packet(SERVER, CLIENT, sent, _SYN | _ACK)]
    sent = {port: number + 1 for port, number in sent.items()}
    packets.append(_packet(CLIENT, SERVER, sent, _ACK))
    for from_client, data in heard:
        source, target = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
        for at in range(0, len(data), _LONGEST):
            part = data[at : at + _LONGEST]
            packets.append(_packet(source, target, sent, _PUSH | _ACK, part))
            sent[source] += len(part)
    now = int(time.time())
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, packet in enumerate(packets):
            file.write(struct.pack("<IIII", now, number, len(packet), len(packet)) + packet)


def _packet(source: int, target: int, sent: dict[int, int], flags: int, data: bytes = b"") -> bytes:
    acknowledged = sent[target] if flags & _ACK else 0
    if flags == _SYN | _ACK:
        acknowledged += 1
    tcp = struct.pack(">HHIIBBHHH", source, target, sent[source], acknowledged, 5 << 4, flags, 65535, 0, 0) + data
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + _ADDRESSES[source] + _ADDRESSES[target]
    return bytes(12) + b"\x08\x00" + ip + tcp
