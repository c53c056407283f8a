"""From a command line to a running supervisor: `metergate up` and `metergate run ROLE...`."""

import os
import signal
from collections.abc import Callable
from functools import partial

from shared.bus.claim import LOOK_S, Claims
from shared.bus.endpoints import Endpoints, Lock, acquire, endpoints_of
from shared.bus.publisher import Publisher
from shared.bus.sockets import context, pub_socket, router_socket
from shared.config.load import find
from shared.errors import EXIT_USAGE, MetergateError, RefusedError
from shared.kernel import become_subreaper, raise_descriptor_limit
from supervisor import greeting
from supervisor.board import Board
from supervisor.child import State
from supervisor.commands import Commands
from supervisor.control import Control
from supervisor.fleet import Fleet, contract
from supervisor.forkserver import branch_off
from supervisor.launcher import ROLE_ENTRY, Failed, ForkLauncher, ForkServer, Launched, Launcher, SpawnLauncher
from supervisor.loop import Loop
from supervisor.places import Places
from supervisor.preview import Preview
from supervisor.reload import Reload
from supervisor.report import Report, say
from supervisor.room import refuse_too_many
from supervisor.settings import Settings
from supervisor.spec import ROLES, RoleSpec, modules_of, named
from supervisor.state_file import StateFile
from supervisor.supervise import Supervisor
from supervisor.verification import Verification


def up(config: str | None) -> int:
    """Run every role. Returns the exit code."""
    return _guarded("supervisor", ROLES, config)


def run(roles: list[str], config: str | None) -> int:
    """Run these roles alone, under a supervisor named after the first. Returns the exit code."""
    try:
        specs = named(roles)
    except RefusedError as error:
        say(f"metergate: {error}")
        return EXIT_USAGE
    return _guarded(f"supervisor.{specs[0].name}", specs, config)


def _guarded(instance: str, specs: tuple[RoleSpec, ...], config: str | None) -> int:
    try:
        return supervise_roles(instance, specs, Settings(find(config)))
    except MetergateError as error:
        say("\n".join(f"metergate: {line}" for line in str(error).splitlines()))
        return error.exit_code


def supervise_roles(
    instance: str,
    specs: tuple[RoleSpec, ...],
    settings: Settings,
    *,
    entry: str = ROLE_ENTRY,
) -> int:
    """Be that supervisor until the end.

    Args:
        instance: own name on the bus.
        specs: roles to run.
        settings: in force.
        entry: where forked processes enter.

    Raises:
        RefusedError: another process is this instance, a port cannot be listened on, or too few files may be opened.
        ConfigError: the run folder cannot be used.
    """
    config = settings.config
    modules = modules_of(specs, config)
    server: ForkServer | None = None

    def make_launcher(loop: Loop, report: Report, launched: Launched, failed: Failed) -> Launcher:
        if server is None:
            return SpawnLauncher(launched, failed)
        return ForkLauncher(loop, report, launched, failed, modules=modules, entry=entry, first=server)

    raise_descriptor_limit()
    refuse_too_many(sum(len(spec.instances(config)) for spec in specs if spec.enabled(config)))
    endpoints = endpoints_of(config)
    if sum(len(spec.instances(config)) for spec in specs) > 1:
        become_subreaper()  # several processes share the memory of a fork server, and outlive it as our children
        server = ForkServer(lambda theirs, ours: branch_off(theirs, ours, entry, modules))
    lock = acquire(endpoints.run_dir, instance)
    try:
        return _supervise(lock, endpoints, specs, settings, make_launcher)
    finally:
        lock.release()


def _supervise(
    lock: Lock,
    endpoints: Endpoints,
    specs: tuple[RoleSpec, ...],
    settings: Settings,
    make_launcher: Callable[[Loop, Report, Launched, Failed], Launcher],
) -> int:
    config, instance = settings.config, lock.instance
    report = Report(config.log, instance)
    loop = Loop()
    state_file = StateFile(endpoints.run_dir, instance, settings.path)
    copy = endpoints.run_dir / f"{instance}.toml"
    with (
        context() as ctx,
        pub_socket(ctx, endpoints.pub(instance)) as pub,
        router_socket(ctx, endpoints.cmd(instance)) as cmd,
    ):
        publisher = Publisher(pub, instance, lock.generation, report.warning)
        board = Board(publisher, state_file, report, settings)
        env = contract(settings.path, copy, config)
        fleet = Fleet(loop, board, lambda: settings.config, env, partial(make_launcher, loop, report))
        verification = Verification(loop, env, copy.with_suffix(".draft"))
        places = Places(specs, settings, fleet.sockets)
        looked_at = Verification(loop, env, copy.with_suffix(".preview"))
        preview = Preview(specs, settings, fleet, places, verification=looked_at)
        reload = Reload(specs, settings, loop, verification=verification, places=places, board=board)
        supervisor = Supervisor(
            specs,
            settings,
            copy,
            loop,
            reload=reload,
            places=places,
            verification=verification,
            preview=preview,
            board=board,
            report=report,
            fleet=fleet,
        )
        control = Control(cmd, Commands(fleet, board, settings, preview=preview, reload=reload), report)
        supervisor.serve(control)
        had_terminal = os.isatty(2)

        def on_signal(number: int) -> None:
            hung_up = number == signal.SIGHUP and had_terminal and not os.isatty(2)  # the window was closed
            supervisor.on_signal(signal.SIGTERM if hung_up else number)

        def greet() -> None:
            parked = {each.spec.name for each in fleet if each.life.state is State.PARKED}
            for line in greeting.addresses(settings.config, specs, parked):
                report.info(line)

        supervisor.on_first_ready = greet
        loop.signals((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), on_signal)
        claims = Claims(publisher, lock.renew, report.error)
        claims.add(pub, endpoints.pub(instance))
        claims.add(cmd, endpoints.cmd(instance))
        loop.every("claims", LOOK_S, claims.look)
        loop.watch(pub, publisher.on_readable)
        loop.watch(cmd, control.on_readable)
        try:
            for line in greeting.warnings(settings, specs):
                report.warning(line)
            supervisor.start()
            supervisor.run()
        finally:
            verification.cancel()
            preview.cancel()
            fleet.close()
            loop.close()
            state_file.remove()
    return supervisor.exit_code
