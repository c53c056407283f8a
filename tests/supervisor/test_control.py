"""Commands as they come to the supervisor: one by one, and never more of one than a command has."""

import os
from pathlib import Path

import zmq

from shared.bus.codec import decode_reply, encode
from shared.bus.command import command
from shared.bus.endpoints import Endpoints
from shared.bus.sockets import context, dealer_socket, router_socket
from shared.config.model import Log
from supervisor.control import Control
from supervisor.report import Report
from tests.support import most_memory, wait_for


def test_of_a_command_of_endless_frames_little_is_kept_and_the_next_is_answered(run_dir: Path) -> None:
    endpoint = Endpoints(run_dir).cmd("supervisor")
    reader, writer = os.pipe()
    with context() as ctx, router_socket(ctx, endpoint) as ours, dealer_socket(ctx, endpoint) as theirs:
        control = Control(ours, lambda verb, _: lambda: {"verb": verb}, Report(Log(), "supervisor", False, writer))

        def answered() -> bool:
            control.on_readable()
            return bool(theirs.poll(0))

        wait_for(lambda: theirs.poll(0, zmq.POLLOUT), "a connection")
        with most_memory() as taken:
            theirs.send_multipart([b"a" * 1000] * 5000)
            theirs.send(encode(command("ps", {}, 10.0)))
            wait_for(answered, "the answer")
        assert decode_reply(theirs.recv()).result == {"verb": "ps"}
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert "command dropped" in lines.read()
    assert taken[0] < 1_000_000
