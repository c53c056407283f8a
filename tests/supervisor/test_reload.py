"""Settings, and the files that they name, are followed by themselves."""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from shared.config.model import Config
from shared.errors import Fault, RefusedError
from supervisor.loop import Loop, now
from supervisor.places import Places
from supervisor.reload import Reload
from supervisor.settings import Settings
from supervisor.sockets import ListeningSockets, PlaceError
from supervisor.spec import Listen, RoleSpec
from supervisor.verification import Verification
from tests.supervisor.harness import SPECS, free_port, running

pytestmark = pytest.mark.system

PRESENT = "[wallbox]\npresent = true"


class Told:
    """A board that keeps what it is told."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def event(self, kind: str, *_: object) -> None:
        self.kinds.append(kind)


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def test_a_file_that_is_mended_brings_the_settings_into_force_by_itself(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "gamma") as run:
        run.wait_ready()
        pid = run.child("gamma").pid
        run.behave("verify", "refuse")
        run.write(more=PRESENT)
        run.wait_event("config.invalid", "names a file that is wrong")
        run.behave("verify", "")
        run.wait_event("config.changed", "starts again: gamma")
        run.wait(lambda run: run.child("gamma").pid not in {0, pid} and run.child("gamma").state == "ready")
        assert run.processes is not None
        assert run.processes.config_error == ""
        assert run.end() == 0


def test_a_file_that_is_mended_gives_a_parked_role_another_chance(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "gamma", gamma="exit=78") as run:
        run.wait_state(alpha="ready", gamma="parked")
        run.behave("gamma", "")
        run.behave("verify", "")
        run.wait_state(gamma="ready")
        assert run.end() == 0


def test_a_verdict_is_asked_for_again_after_a_while(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.reload.AGAIN_S", 0.05)
    settings = tmp_path / "metergate.toml"
    settings.write_text("[gateway]\nrun_dir = '.'\n")
    verdicts: list[tuple[Fault, ...]] = [(Fault(3, "wallbox", "a folder is closed"),), ()]

    class Scripted:
        under_way = False

        def cancel(self) -> None:
            pass

        def begin(self, _content: bytes, _modules: object, told: Callable[[tuple[Fault, ...]], None]) -> None:
            loop.alarm("verify", now(), lambda: told(verdicts.pop(0)))

    in_force = Settings(settings)
    places = Places(SPECS, in_force, ListeningSockets())
    reload = Reload(SPECS, in_force, loop, verification=Scripted(), places=places, board=Told())  # type: ignore[arg-type]
    refused: list[str] = []
    reload.taken = lambda _: loop.stop()
    reload.refused = lambda: refused.append(in_force.error)
    reload.decided = lambda: None
    settings.write_text("[gateway]\nrun_dir = '.'\n[wallbox]\npresent = true\n")
    reload.read()
    loop.run()
    assert (refused, verdicts, in_force.config.wallbox.present) == (
        [f"{settings}:3: wallbox: a folder is closed"],
        [],
        True,
    )


class Counted(ListeningSockets):
    """Knows how often somebody tried, and calls at the third time."""

    def __init__(self, third: Callable[[], None]) -> None:
        super().__init__()
        self._third = third
        self.tries = 0

    def keep(self, wanted: Mapping[str, Listen], instances: Iterable[str]) -> tuple[PlaceError, ...]:
        self.tries += 1
        if self.tries == 3:
            self._third()
        return super().keep(wanted, instances)


LISTENER = RoleSpec(
    name="beta",
    module="beta",
    needs=lambda config: config.slave,
    listen=lambda config: Listen(config.slave.host, config.slave.port),
)


def test_a_place_that_is_taken_is_tried_again_and_told_once(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.sockets.AGAIN_S", 0.01)
    settings, text = tmp_path / "metergate.toml", "[gateway]\nrun_dir = '.'\n[slave]\nhost = '127.0.0.1'\n"
    settings.write_text(text)
    in_force, told, before = Settings(settings), Told(), list[object]()
    with socket.create_server(("127.0.0.1", free_port())) as stranger:
        sockets, port = Counted(stranger.close), stranger.getsockname()[1]
        verification = Verification(loop, {}, tmp_path / "draft")

        def taken(config: Config | None) -> None:
            before.append(config)
            loop.stop()

        places = Places((LISTENER,), in_force, sockets)
        reload = Reload((LISTENER,), in_force, loop, verification=verification, places=places, board=told)  # type: ignore[arg-type]
        reload.refused = lambda: None
        reload.taken = taken
        settings.write_text(f"{text}port = {port}\n")
        reload.read()
        assert in_force.error.startswith(f"{settings}:5: slave.port: cannot listen on 127.0.0.1 port {port}: another")
        loop.run()
    assert (sockets.tries, told.kinds, len(before), in_force.error) == (3, ["config.invalid"], 1, "")
    assert sockets.has("beta", Listen("127.0.0.1", port))
    sockets.close()


def test_where_the_roles_copy_cannot_be_written_those_before_stay_in_force(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        before = {child.name: child.pid for child in run.children()}
        in_the_way = run.run_dir / "supervisor.new"
        in_the_way.mkdir()
        port = free_port()
        run.write(workers=2, port=port)
        with pytest.raises(RefusedError, match=r"supervisor\.toml: cannot be written \(Is a directory\); the roles"):
            run.command("reload")
        run.wait_event("config.invalid", "cannot be written")
        assert {child.name: child.pid for child in run.children()} == before
        with socket.create_server(("127.0.0.1", port)):
            pass  # nobody listens there
        in_the_way.rmdir()
        run.command("reload")
        run.wait(lambda run: run.child("beta.2").state == "ready")
        assert run.end() == 0


def test_where_the_roles_copy_cannot_be_written_at_the_start_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "run" / "supervisor.new").mkdir(parents=True)
    with running(tmp_path, "alpha", "beta") as run:
        assert run.process.wait(20) == 1
        assert "cannot be written (Is a directory)" in run.output.read_text()
        assert run.starts("alpha") == []


def test_where_the_draft_cannot_be_written_the_settings_are_refused(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "gamma") as run:
        run.wait_ready()
        in_the_way = run.run_dir / "supervisor.draft"
        in_the_way.mkdir()
        run.write(more=PRESENT)
        with pytest.raises(RefusedError, match="the files that the settings name could not be checked: Is a directory"):
            run.command("reload")
        in_the_way.rmdir()
        run.command("reload")
        assert run.end() == 0
