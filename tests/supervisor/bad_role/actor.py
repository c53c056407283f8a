"""What a role does towards its supervisor, and every way of doing it wrong.

`<run_dir>/<instance>.behaviour` holds words: `exit=N` ends at once, `refused=WHY` says why before that, `silent` never
beats, `hang=S` stops beating S seconds after it was ready, `deaf` ignores SIGTERM, `unready` beats but is never ready,
`orphan` leaves a grandchild, `note=WORDS` goes along with its beats.
Each connection is answered with the pid.
"""

import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

import msgspec


def child_main(module: str) -> NoReturn:
    """Entry of a forked role, which ends the process as the real one does: nothing of who forked it is run."""
    code = 1
    try:
        if module == __name__:
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    os._exit(code)


def main() -> NoReturn:
    """Entry of a spawned role."""
    run_dir, instance = Path(os.environ["METERGATE_RUN_DIR"]), os.environ["METERGATE_INSTANCE"]
    file = run_dir / f"{instance}.behaviour"
    words = dict(word.partition("=")[::2] for word in file.read_text().split()) if file.exists() else {}
    with (run_dir / f"{instance}.starts").open("a") as starts:
        starts.write(f"{os.getpid()} {os.environ['METERGATE_SETTINGS']}\n")
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in words else lambda *_: sys.exit(0))
    if "orphan" in words and os.fork() == 0 and os.fork() == 0:
        os._exit(7)
    control = socket.socket(fileno=int(os.environ["METERGATE_CONTROL_FD"]))
    if "refused" in words:
        control.send(msgspec.msgpack.encode({"refused": words["refused"]}))
    if "exit" in words:
        sys.exit(int(words["exit"]))
    listening = [socket.socket(fileno=int(fd)) for fd in os.environ["METERGATE_LISTEN_FDS"].split(",") if fd]
    if "unready" not in words and "silent" not in words:
        control.send(msgspec.msgpack.encode({"ready": True}))
    began, number, period_s = time.monotonic(), 0, float(os.environ["METERGATE_BEAT_S"])
    while True:
        hung = "silent" in words or ("hang" in words and time.monotonic() - began >= float(words["hang"]))
        if not hung:
            number += 1
            control.send(
                msgspec.msgpack.encode({"beat": number, "fresh_until_ns": 2**62, "note": words.get("note", "")})
            )
        for ready in select.select(listening, [], [], period_s)[0]:
            connection, _address = ready.accept()
            with connection:
                connection.send(str(os.getpid()).encode())
