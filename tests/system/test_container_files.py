"""What can be said of the image, the compose files and the systemd unit without an engine; `tests/container` has one.

Mostly that they agree: with each other, with the roles there are, with the settings, with what the image is made of.
"""

import configparser
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from shared.bus.endpoints import Endpoints
from shared.config.load import load
from supervisor.spec import ROLES

ROOT: Final = Path(__file__).parents[2]
UID: Final = 10001
RUN_DIR: Final = "/run/metergate"
STATE_DIR: Final = "/var/lib/metergate"
AUDIT_DIR: Final = f"{STATE_DIR}/audit"
KEYS_DIR: Final = f"{STATE_DIR}/keys"
CONSOLE_DIR: Final = f"{STATE_DIR}/console"
CONFIG_DIR: Final = "/etc/metergate"
CONFIG: Final = f"${{METERGATE_CONFIG_DIR:-./config}}:{CONFIG_DIR}"
CHANGES_SETTINGS: Final = {"console", "certificate-manager", "metergate"}
"""Who may write the folder of settings: the page changes them, the certificate manager the CAs beside them."""


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def final_stage() -> list[tuple[str, str]]:
    """Instructions after the last FROM."""
    every = instructions()
    last = max(index for index, (word, _) in enumerate(every) if word == "FROM")
    return every[last:]


def environment() -> dict[str, str]:
    """What the image sets."""
    pairs = " ".join(rest for word, rest in final_stage() if word == "ENV").split()
    return dict(pair.split("=", 1) for pair in pairs)


def only(word: str) -> str:
    """The one instruction of that name in the final stage."""
    (rest,) = [rest for each, rest in final_stage() if each == word]
    return rest


def compose(name: str) -> dict[str, Any]:
    """A compose file, its anchors resolved."""
    return dict(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))


def role_services() -> dict[str, dict[str, Any]]:
    """Those of compose.yaml that run always."""
    services = compose("compose.yaml")["services"]
    return {name: service for name, service in services.items() if "profiles" not in service}


EVERY_SERVICE: Final = [
    (file, name) for file in ("compose.yaml", "compose.single.yaml") for name in compose(file)["services"]
]


def needed(name: str, seen: set[str]) -> set[str]:
    """A distribution and everything that it needs to run here."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return seen
    seen.add(key)
    for line in distribution(name).requires or []:
        requirement, _, marker = line.partition(";")
        if "extra" in marker or "platform" in marker or "python_version" in marker:
            continue
        needed(re.split(r"[^A-Za-z0-9_.-]", requirement.strip())[0], seen)
    return seen


# ---- the image ----------------------------------------------------------------------------------------------------


def test_all_stages_stand_on_the_same_base() -> None:
    bases = [rest.partition(" ")[0] for word, rest in instructions() if word == "FROM"]
    assert bases == ["python:${PYTHON}-slim"] * 3, "a virtual environment only works on the Python that made it"
    assert ("ARG", "PYTHON=3.13") in instructions()


def test_the_image_runs_without_rights_and_ends_in_order() -> None:
    assert only("USER") == f"{UID}:{UID}"
    assert only("STOPSIGNAL") == "SIGTERM"
    assert only("ENTRYPOINT") == '["metergate"]'
    assert only("CMD") == '["up"]'
    assert only("HEALTHCHECK").endswith('CMD ["metergate", "health"]')


def test_the_image_names_its_folders_and_owns_those_that_it_writes() -> None:
    env = environment()
    assert env["METERGATE_CONFIG"] == f"{CONFIG_DIR}/metergate.toml"
    assert env["METERGATE_RUN_DIR"] == RUN_DIR
    assert env["METERGATE_STATE_DIR"] == STATE_DIR
    assert env["METERGATE_KEYS_DIR"] == KEYS_DIR
    assert env["PYTHONSAFEPATH"] == env["PYTHONDONTWRITEBYTECODE"] == "1"
    made = next(rest for word, rest in final_stage() if word == "RUN" and "install -d -o metergate" in rest)
    assert f"--uid {UID}" in made
    folders = f"{RUN_DIR} {STATE_DIR} {AUDIT_DIR} {KEYS_DIR} {CONSOLE_DIR}"
    assert f"-m 0700 {folders}" in made, "a volume takes over owner and mode"
    assert only("EXPOSE") == "502 802 8080"


def test_packages_are_pinned_by_hash_and_never_compiled() -> None:
    install = next(rest for word, rest in instructions() if word == "RUN" and "requirements/run.txt" in rest)
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install


def test_exactly_the_build_tools_are_removed_again() -> None:
    run = next(rest for word, rest in instructions() if word == "RUN" and "uninstall" in rest)
    removed = set(run.partition("--quiet")[2].partition("&&")[0].split())
    locked = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")
    installed = set(re.findall(r"^([a-z0-9-]+)==", locked, re.MULTILINE))
    assert removed == installed - needed("metergate", set()) - {"typing-extensions"}


def test_what_is_copied_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored, "only what is named goes to the engine"
    named = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert {source for source in copied if not any(source.startswith(f"{each}/") for each in named)} == named
    assert all((ROOT / path).exists() for path in named)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert copied > set(packages["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


# ---- compose ------------------------------------------------------------------------------------------------------


def test_each_role_has_its_container() -> None:
    services = role_services()
    assert set(services) == {spec.name for spec in ROLES}
    for name, service in services.items():
        assert service["command"] == ["run", name]
        assert service["healthcheck"]["test"] == ["CMD", "metergate", "health", name]


def test_one_container_runs_them_all() -> None:
    (service,) = compose("compose.single.yaml")["services"].values()
    assert service["command"] == ["up"]
    assert service["healthcheck"]["test"] == ["CMD", "metergate", "health"]


@pytest.mark.parametrize(("file", "name"), EVERY_SERVICE)
def test_every_container_is_closed(file: str, name: str) -> None:
    service = compose(file)["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert "user" not in service, "the image's own user"
    mounts = [str(mount) for mount in service["volumes"]]
    assert not any("docker.sock" in mount for mount in mounts)
    settings = CONFIG if name in CHANGES_SETTINGS else f"{CONFIG}:ro"
    assert [mount for mount in mounts if CONFIG_DIR in mount] == [settings], "the folder, so that a rename in it counts"
    assert f"bus:{RUN_DIR}" in mounts


@pytest.mark.parametrize(("file", "name"), [each for each in EVERY_SERVICE if each[1] != "tap"])
def test_every_role_comes_back_and_may_end_in_order(file: str, name: str) -> None:
    service = compose(file)["services"][name]
    assert service["restart"] == "unless-stopped"
    settings = load(ROOT / "config/metergate.toml").supervisor
    stages = len({spec.stop_stage for spec in ROLES}) if service["command"] == ["up"] else 1
    assert int(service["stop_grace_period"].removesuffix("s")) > stages * settings.stop_timeout_s


def mounting(mount: str) -> set[str]:
    """Services that have exactly this volume, so and no other way."""
    return {name for name, service in role_services().items() if mount in service["volumes"]}


def test_each_state_has_its_writer_and_keys_are_written_by_one_alone() -> None:
    assert mounting(f"state:{STATE_DIR}") == {"register-store", "certificate-manager"}
    assert mounting(f"audit:{AUDIT_DIR}") == {"register-store", "certificate-manager", "tls-slave", "console"}
    assert mounting(f"console:{CONSOLE_DIR}") == {"console"}
    assert mounting(f"keys:{KEYS_DIR}") == {"certificate-manager"}
    assert mounting(f"keys:{KEYS_DIR}:ro") == {"tls-slave", "measurement", "master-pusher"}
    assert not any("keys" in str(mount) for mount in compose("compose.yaml")["services"]["tap"]["volumes"])


def test_slaves_are_published_the_page_on_this_machine_alone_and_who_needs_no_network_has_none() -> None:
    services = role_services()
    assert {name: each["ports"] for name, each in services.items() if "ports" in each} == {
        "plain-slave": ["${METERGATE_BIND:-0.0.0.0}:${METERGATE_PORT:-502}:502"],
        "tls-slave": ["${METERGATE_BIND:-0.0.0.0}:${METERGATE_TLS_PORT:-802}:802"],
        "console": ["${METERGATE_CONSOLE_BIND:-127.0.0.1}:${METERGATE_CONSOLE_PORT:-8080}:8080"],
    }
    for slave in ("plain-slave", "tls-slave"):
        assert services[slave]["sysctls"] == {"net.ipv4.ip_unprivileged_port_start": 0}
    without = {name for name, each in services.items() if each.get("network_mode") == "none"}
    assert without == {"register-store", "certificate-manager"}


def test_both_variants_share_settings_state_and_locks() -> None:
    several, one = compose("compose.yaml"), compose("compose.single.yaml")
    assert several["name"] == one["name"]
    for volume in ("bus", "state", "audit", "keys", "console"):
        assert several["volumes"][volume] == one["volumes"][volume]
    service = one["services"]["metergate"]
    assert {f"state:{STATE_DIR}", f"audit:{AUDIT_DIR}", f"keys:{KEYS_DIR}"} < set(service["volumes"])
    published = [several["services"][name]["ports"] for name in ("plain-slave", "tls-slave", "console")]
    assert service["ports"] == [port for ports in published for port in ports]


def test_the_bus_is_in_memory_and_belongs_to_the_image_s_user() -> None:
    options = compose("compose.yaml")["volumes"]["bus"]["driver_opts"]
    assert options["type"] == "tmpfs"
    assert {"mode=0700", f"uid={UID}", f"gid={UID}"} <= set(options["o"].split(","))
    Endpoints(Path(RUN_DIR))  # refuses a folder that is too long for its sockets


def test_the_image_is_built_once_and_never_looked_for_elsewhere() -> None:
    services = compose("compose.yaml")["services"]
    assert [name for name, each in services.items() if "build" in each] == ["measurement"]
    assert {each["image"] for each in services.values()} == {"metergate"}
    assert all(each["pull_policy"] == "never" for each in services.values())


# ---- settings as delivered, and the unit --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["config/metergate.toml", "deploy/metergate.toml"])
def test_delivered_settings_are_right(path: str) -> None:
    config = load(ROOT / path, {})
    assert config.meter
    assert (config.slave.host, config.slave.port, config.slave.tls_port) == ("0.0.0.0", 502, 802)
    assert config.console.port == 8080
    assert config.console.https != config.console.is_local


def test_a_service_of_the_host_never_invents_values() -> None:
    assert {meter.source for meter in load(ROOT / "deploy/metergate.toml", {}).meter} == {"modbus"}


def unit() -> dict[str, list[str]]:
    """`[Service]` of the unit: every value of each key."""
    text = (ROOT / "deploy/metergate.service").read_text(encoding="utf-8")
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(text)
    assert set(parser.sections()) == {"Unit", "Service", "Install"}
    values: dict[str, list[str]] = {}
    for line in text.partition("[Service]")[2].partition("[Install]")[0].splitlines():
        key, found, value = line.partition("=")
        if found and not key.startswith("#"):
            values.setdefault(key, []).append(value)
    return values


def test_the_unit_finds_the_same_folders_as_the_image() -> None:
    found = dict(line.split("=", 1) for line in unit()["Environment"])
    for name in (
        "METERGATE_CONFIG",
        "METERGATE_RUN_DIR",
        "METERGATE_STATE_DIR",
        "METERGATE_KEYS_DIR",
        "PYTHONSAFEPATH",
    ):
        assert found[name] == environment()[name]
    gateway = load(ROOT / "deploy/metergate.toml", {}).gateway
    assert (str(gateway.run_dir), str(gateway.state_dir)) == (RUN_DIR, STATE_DIR)
    for kind, parent in (("Runtime", "/run"), ("State", "/var/lib"), ("Configuration", "/etc")):
        (folder,) = unit()[f"{kind}Directory"]
        assert f"{parent}/{folder}" in {RUN_DIR, STATE_DIR, CONFIG_DIR}


def test_the_unit_leaves_the_ending_to_the_supervisor() -> None:
    settings = load(ROOT / "deploy/metergate.toml", {}).supervisor
    values = unit()
    assert values["KillMode"] == ["mixed"]
    assert int(values["TimeoutStopSec"][0]) > len({spec.stop_stage for spec in ROLES}) * settings.stop_timeout_s
    assert values["Restart"] == ["always"]


def test_the_unit_has_one_right_and_does_not_hide_what_is_read() -> None:
    values = unit()
    assert values["AmbientCapabilities"] == values["CapabilityBoundingSet"] == ["CAP_NET_BIND_SERVICE"]
    assert values["ProtectSystem"] == ["strict"]
    assert values["ReadWritePaths"] == [CONFIG_DIR], "strict closes /etc, also where it is the unit's own"
    assert "ProcSubset" not in values, "the boot id is read from /proc/sys"
    assert "MemoryDenyWriteExecute" not in values, "OpenSSL calls back into Python"
    assert {"AF_UNIX", "AF_INET", "AF_INET6"} == set(values["RestrictAddressFamilies"][0].split())
