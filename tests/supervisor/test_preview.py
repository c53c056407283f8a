"""A text is checked as settings and nothing happens: mistakes with line and key, and who would start again."""

import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from shared.bus.command import call
from shared.bus.endpoints import Endpoints
from shared.errors import MetergateError, RefusedError
from tests.supervisor.harness import PATIENCE_S, Running, free_port, running

pytestmark = pytest.mark.system


def ask(run: Running, text: object) -> dict[str, Any]:
    endpoint = Endpoints(run.run_dir).cmd(run.instance)
    return call(endpoint, run.instance, "check", {"text": text}, PATIENCE_S)


def test_what_would_happen_is_said_and_nothing_does(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", "gamma") as run:
        run.wait_ready()
        before = {child.name: child.pid for child in run.children()}
        text = run.file.read_text()
        nothing: dict[str, Any] = {"faults": [], "restarts": [], "starts": [], "stops": [], "pending": ""}
        assert ask(run, text) == nothing
        assert ask(run, text + "[wallbox]\npresent = true\n") == {**nothing, "restarts": ["gamma"]}
        more = '[[meter]]\nid = "a"\nsource = "simulated"\n[log]\nlevel = "debug"\n'
        assert ask(run, text.replace("[slave]", "[slave]\nworkers = 2") + more) == {
            **nothing,
            "restarts": ["alpha", "beta"],
            "pending": "[log] changed; restart metergate to use it",
        }
        assert ask(run, text.replace("[slave]", "[slave]\nenabled = false")) == {**nothing, "stops": ["beta"]}
        found = ask(run, text.replace("[slave]", "[slave]\nworkers = 99\nprot = 1"))
        assert [(fault["line"], fault["key"]) for fault in found["faults"]] == [(7, "slave.workers"), (8, "slave.prot")]
        assert found["faults"][0]["reason"] == "is 99, but must be a whole number from 1 to 16"
        assert found["restarts"] == []
        assert run.file.read_text() == text
        assert {child["name"]: child["pid"] for child in run.command("ps")["children"]} == before
        assert run.command("ps")["config_error"] == ""
        assert run.end() == 0


def test_a_place_where_nobody_can_listen_is_a_mistake(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run, socket.create_server(("127.0.0.1", 0)) as other:
        run.wait_ready()
        text, busy = run.file.read_text(), other.getsockname()[1]
        changed = re.sub(r"(?m)^port = \d+", f"port = {busy}", text)
        (fault,) = ask(run, changed)["faults"]
        assert (changed.splitlines()[fault["line"] - 1], fault["key"]) == (f"port = {busy}", "slave.port")
        assert fault["reason"].startswith(f"cannot listen on 127.0.0.1 port {busy}: another program does;")
        assert ask(run, re.sub(r"(?m)^port = \d+", f"port = {free_port()}", text))["restarts"] == ["beta"]
        disabled = text.replace("[slave]", "[slave]\nenabled = false")
        assert ask(run, re.sub(r"(?m)^port = \d+", f"port = {busy}", disabled))["faults"] == []
        assert run.end() == 0


def test_who_is_disabled_stopped_or_parked_is_told_apart(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", "gamma", gamma="exit=78") as run:
        run.wait_state(alpha="ready", beta="ready", gamma="parked")
        run.command("stop", "alpha")
        text = run.file.read_text()
        more = '[[meter]]\nid = "a"\nsource = "simulated"\n[wallbox]\npresent = true\n'
        found = ask(run, text + more)
        assert (found["restarts"], found["starts"]) == ([], ["gamma"])
        run.behave("gamma", "")
        run.write(enabled=False)
        run.command("reload")
        run.wait_state(beta="disabled", gamma="ready")
        found = ask(run, text)
        assert (found["restarts"], found["starts"]) == ([], ["beta"])
        assert run.end() == 0


def test_files_that_it_names_are_looked_at_without_holding_up_anything(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "gamma") as run:
        run.wait_ready()
        text = run.file.read_text() + "[wallbox]\npresent = true\n"
        run.behave("verify", "refuse")
        (fault,) = ask(run, text)["faults"]
        assert (fault["key"], fault["reason"]) == ("wallbox.present", "names a file that is wrong")
        assert text.splitlines()[fault["line"] - 1] == "present = true"
        run.behave("verify", "hang")
        found: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: found.append(ask(run, text)))
        asking.start()
        while not (run.run_dir / "supervisor.preview").exists():
            run.command("ps")
        with pytest.raises(RefusedError, match="another text is being checked"):
            ask(run, text)
        run.command("restart", "alpha")
        asking.join()
        (fault,) = found[0]["faults"]
        assert "no answer within 5 s" in fault["reason"]
        assert not (run.run_dir / "supervisor.preview").exists()
        assert run.end() == 0


def test_an_end_does_not_wait_for_it(tmp_path: Path) -> None:
    with running(tmp_path, "gamma") as run:
        run.wait_ready()
        run.behave("verify", "hang")
        refused: list[MetergateError] = []

        def asked() -> None:
            try:
                ask(run, run.file.read_text() + "[wallbox]\npresent = true\n")
            except MetergateError as error:
                refused.append(error)

        asking = threading.Thread(target=asked)
        asking.start()
        while not (run.run_dir / "supervisor.preview").exists():
            run.command("ps")
        assert run.end() == 0
        asking.join()
        assert str(refused[0]) == "metergate is stopping"
        assert not (run.run_dir / "supervisor.preview").exists()


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, "alpha") as run:
        run.wait_ready()
        with pytest.raises(RefusedError, match="text has to be the text of a settings file"):
            ask(run, 7)
        assert run.end() == 0
