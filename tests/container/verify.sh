#!/usr/bin/env bash
# Verifies Dockerfile, compose.yaml and compose.single.yaml on a real engine, and prints what was measured.
#
#   tests/container/verify.sh [PYTHON...]     base images python:PYTHON-slim to build on; default 3.11 3.13
#
# Needs docker with compose, python3 and openssl. Touches only the compose projects and images that it names itself, and removes
# them at its end, also after a failure. Environment:
#   METERGATE_VERIFY_PORT   port of 127.0.0.1 to publish on (15502); TLS goes on the one 300 higher, the page 301
#   METERGATE_VERIFY_PIP    pip configuration file for the build, where packages come from a mirror
#   METERGATE_VERIFY_NPM    the same for npm, which builds the page
#   METERGATE_VERIFY_SLACK  what to multiply time limits with, on a busy machine (1)
#   METERGATE_VERIFY_KEEP   if set, the images are kept
# Exit: 0 all passed, 1 something failed, 3 there is no engine here.
set -euo pipefail
cd "$(dirname "$0")/../.."

docker version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 || { echo "verify: no docker engine with compose here" >&2; exit 3; }
[ $# -gt 0 ] || set -- 3.11 3.13

PROJECT=metergate-verify-$$
IMAGE=metergate-verify:$$
export METERGATE_BIND=127.0.0.1 METERGATE_PORT=${METERGATE_VERIFY_PORT:-15502}
export METERGATE_TLS_PORT=$((METERGATE_PORT + 300)) METERGATE_CONSOLE_PORT=$((METERGATE_PORT + 301))
T=$(mktemp -d)
export METERGATE_CONFIG_DIR=$T/config
PASSED=0 FAILED=0 HELD=
FILE=compose.yaml

say() { printf '%s\n' "$*"; }
figure() { printf 'figure  %-58s %s\n' "$1" "$2"; }
check() { # NAME COMMAND...
  local name=$1; shift
  if "$@" >"$T/out" 2>&1; then PASSED=$((PASSED + 1)); say "ok      $name"
  else FAILED=$((FAILED + 1)); say "FAILED  $name"; tail -n 20 "$T/out" | sed 's/^/          /'; fi
}
until_true() { # SECONDS COMMAND...
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}
equals() { [ "$1" = "$2" ] || { echo "is '$1', not '$2'"; return 1; }; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a ~ /^[0-9.]+$/ && b ~ /^[0-9.]+$/ && a + 0 <= b + 0)}' || { echo "is $1, more than $2"; return 1; }; }
in_time() { at_most "$1" $(($2 * ${METERGATE_VERIFY_SLACK:-1})); }
fails() { ! "$@"; }
millis() { echo $(($(date +%s%N) / 1000000)); }

# The image goes by another name here, so that one that is in use stays as it is.
dc() { docker compose -p "$PROJECT" --project-directory . -f "$T/$FILE" "$@"; }
cid() { dc ps -aq "$1"; }
of() { docker inspect -f "$2" "$(cid "$1")"; }
roles() { dc config --services | sort; }
restarted() { equals "$(of "$1" '{{.RestartCount}}')" 1; }
healthy() { equals "$(of "$1" '{{.State.Health.Status}}')" healthy; }
probe() { python3 tests/container/probe.py "$@"; }
first() { probe first 127.0.0.1 "$METERGATE_PORT" "$1"; }
wh() { echo $(($(probe value 127.0.0.1 "$METERGATE_PORT" 512 4) + $(probe value 127.0.0.1 "$METERGATE_PORT" 516 4))); }
hold() { python3 tests/container/probe.py hold 127.0.0.1 "$METERGATE_PORT" "$@" >"$T/held" & HELD=$!; sleep 1; }
unhold() { # WHAT HAPPENED: prints what the probe saw of it
  kill -TERM "$HELD"; wait "$HELD" || say "          the probe ended with $?"
  HELD=
  figure "$1" "$(cat "$T/held")"
}
held() { tr ' ' '\n' <"$T/held" | sed -n "s/^$1=//p"; }
over_tls() { probe tls 127.0.0.1 "$METERGATE_TLS_PORT" "$T/client.pem"; }
tls_says() { equals "$(over_tls)" "$1"; }
visit() { python3 tests/container/page.py 127.0.0.1 "$METERGATE_CONSOLE_PORT" "$@"; }
helper_in_config() { docker run --rm --user 0 --cap-add CHOWN --network none -v "$METERGATE_CONFIG_DIR:/config" --entrypoint "$1" "$IMAGE" "${@:2}"; }
certs() { dc exec -T certificate-manager metergate certs "$@"; }
in_slave() { dc exec -T plain-slave "$@"; }

# Works on any engine, also one whose processes this user may not touch: a helper sees all of the engine's processes.
helper() { docker run --rm --pid=host --user 0 --cap-add SYS_PTRACE --network none --entrypoint "$1" "$IMAGE" "${@:2}"; }
crash_container() { helper sh -c "kill -KILL $(of "$1" '{{.State.Pid}}')"; }
role_pid() { # SERVICE SUPERVISOR ROLE: pid inside the container
  dc exec -T "$1" python -c "import json; print(*[c['pid'] for c in json.load(open('/run/metergate/$2.json'))['children'] if c['role'] == '$3'])"
}
crash_role() { local pid; pid=$(role_pid "$@"); dc exec -T "$1" python -c "import os; os.kill($pid, 9)"; }
new_role_pid() { local now; now=$(role_pid "${@:2}"); [ -n "$now" ] && [ "$now" != 0 ] && [ "$now" != "$1" ]; }
pss() { # SERVICE...: MiB of all their processes, each page counted in parts
  local service pids=
  for service; do pids+=" $(docker top "$(cid "$service")" -o pid | tail -n +2 | tr '\n' ' ')"; done
  helper sh -c "for p in $pids; do cat /proc/\$p/smaps_rollup; done" | awk '/^Pss:/ {s += $2} END {printf "%.1f", s / 1024}'
}
write_settings() { # FILE on standard input, as editors do: written beside, then renamed
  cat >"$METERGATE_CONFIG_DIR/metergate.toml.new"
  chmod 0644 "$METERGATE_CONFIG_DIR/metergate.toml.new"
  mv "$METERGATE_CONFIG_DIR/metergate.toml.new" "$METERGATE_CONFIG_DIR/metergate.toml"
}
gone() { [ -z "$(docker ps -aq --filter "label=com.docker.compose.project=$PROJECT")$(docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT")" ]; }

cleanup() {
  [ -z "$HELD" ] || kill "$HELD" 2>/dev/null || true
  for FILE in compose.yaml compose.single.yaml; do dc --profile tools down -v --remove-orphans >/dev/null 2>&1 || true; done
  [ -n "${METERGATE_VERIFY_KEEP:-}" ] || docker image rm "$IMAGE" >/dev/null 2>&1 || true
  rm -rf "$T"
}
trap cleanup EXIT

fresh_settings() {
  rm -rf "$METERGATE_CONFIG_DIR"; cp -r config "$METERGATE_CONFIG_DIR"
  chmod 0755 "$METERGATE_CONFIG_DIR"; chmod 0644 "$METERGATE_CONFIG_DIR"/*
}

# ---- the image --------------------------------------------------------------

image() { # PYTHON
  local secret=()
  [ -z "${METERGATE_VERIFY_PIP:-}" ] || secret=(--secret "id=pip,src=$METERGATE_VERIFY_PIP")
  [ -z "${METERGATE_VERIFY_NPM:-}" ] || secret+=(--secret "id=npm,src=$METERGATE_VERIFY_NPM")
  check "build on python:$1-slim" docker build --quiet --build-arg "PYTHON=$1" "${secret[@]}" -t "$IMAGE" .
  figure "image size on python:$1-slim (of it the base)" \
    "$(docker image inspect -f '{{.Size}}' "$IMAGE" | awk '{printf "%d", $1 / 1e6}') MB ($(docker image inspect -f '{{.Size}}' "python:$1-slim" | awk '{printf "%d", $1 / 1e6}') MB)"
  run() { docker run --rm --network none --entrypoint "$1" "$IMAGE" "${@:2}"; }
  check "it is not root's" equals "$(run id -u)" 10001
  check "no compiler in it" run sh -c '! command -v gcc cc c++ make'
  check "no build tools in its environment" run python -c 'import importlib.util as u; assert not any(u.find_spec(n) for n in ("hatchling", "editables"))'
  check "the environment is on the path" run sh -c '[ "$(command -v metergate)" = /opt/metergate/bin/metergate ]'
  check "bytecode of everything is there" run python -c '
import asyncio, importlib.util, pathlib, services.plain_slave.actor, sys
missing = [m.__file__ for m in sys.modules.values() if (getattr(m, "__file__", None) or "").endswith(".py") and not pathlib.Path(importlib.util.cache_from_source(m.__file__)).is_file()]
assert not missing, missing'
  check "without settings it says so, and exits with 78" run sh -c 'metergate up; [ $? -eq 78 ]'
}

# ---- a container for each role ----------------------------------------------

encrypted() { # TLS is switched on and off again while everything runs
  local refused='function 0x83, exception 1' fingerprint
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=a client" \
    -keyout "$T/client.pem" -out "$T/client.crt" 2>/dev/null
  cat "$T/client.crt" >>"$T/client.pem"
  fingerprint=$(openssl x509 -in "$T/client.crt" -noout -fingerprint -sha256 | cut -d= -f2)
  sed 's/^port = 502$/port = 502\ntls = true/' config/metergate.toml | write_settings
  check "tls = true: 802 is served, and a stranger refused" until_true 30 tls_says "$refused"
  check "  502 is closed" fails first 1
  check "  the stranger is listed" until_true 5 certs accept "$fingerprint" --label "a client"
  check "  and served once accepted" tls_says "a value"
  figure "PSS with TLS: certificate-manager, tls-slave; all" \
    "$(pss certificate-manager) $(pss tls-slave); $(pss $(roles)) MiB"
  check "  keys are for their user alone" equals "$(dc exec -T tls-slave stat -c '%a %u' /var/lib/metergate/keys/ec.key)" "600 10001"
  check "  the slave cannot write them" fails dc exec -T tls-slave touch /var/lib/metergate/keys/x
  check "  nor who is accepted" fails dc exec -T tls-slave touch /var/lib/metergate/trust.json
  check "  after a restart of both" dc restart certificate-manager tls-slave
  check "    the client is still accepted" until_true 30 tls_says "a value"
  crash_container tls-slave
  check "  after a crash of the slave's container too" until_true 30 tls_says "a value"
  check "  delete" certs delete "$fingerprint"
  check "    refuses it" tls_says "$refused"
  check "  the audit log is whole" dc exec -T certificate-manager metergate audit --verify
  write_settings <config/metergate.toml
  check "tls = false: 502 is served again" first 30
}

page() { # over https, published on this machine alone; it changes settings where they are its user's
  local code pid
  check "the page answers over https" equals "$(visit session)" none
  check "  it is published on this machine alone" equals "$(docker port "$(cid console)" 8080 | cut -d: -f1)" 127.0.0.1
  check "  it reaches no key" fails dc exec -T console ls /var/lib/metergate/keys/ec.key
  check "  nor who is accepted" fails dc exec -T console ls /var/lib/metergate/trust.json
  code=$(dc logs console | sed -n 's/.*"code": "\([A-Z0-9-]*\)".*/\1/p' | tail -1)
  check "settings of another user are not changed, and it says why" sh -c "$(printf '%q ' python3 tests/container/page.py 127.0.0.1 "$METERGATE_CONSOLE_PORT" set "$code" slave.idle_timeout_s 400) | grep -q 'cannot be changed'"
  helper_in_config chown -R 10001:10001 /config
  pid=$(role_pid plain-slave supervisor.plain-slave plain-slave)
  check "settings of its own user are, and it says who starts again" equals "$(visit again slave.idle_timeout_s 400)" \
    "starts again: plain-slave"
  check "  plain-slave starts again" until_true 15 new_role_pid "$pid" plain-slave supervisor.plain-slave plain-slave
  check "  a wrong value changes nothing" sh -c "$(printf '%q ' python3 tests/container/page.py 127.0.0.1 "$METERGATE_CONSOLE_PORT" again slave.port 0) | grep -q 'slave.port: is 0'"
  helper_in_config chown -R "$(id -u):$(id -g)" /config  # the folder itself stays: it is mounted
  pid=$(role_pid plain-slave supervisor.plain-slave plain-slave)
  write_settings <config/metergate.toml
  check "  and back again by hand" until_true 15 new_role_pid "$pid" plain-slave supervisor.plain-slave plain-slave
}

roles_apart() {
  FILE=compose.yaml
  fresh_settings
  local began before pid role other
  began=$(millis)
  check "up -d" dc up -d --no-build
  check "a register can be read" first 30
  figure "docker compose up -d to the first value, 7 containers" "$(($(millis) - began)) ms"
  check "up --wait: all healthy" dc up -d --no-build --wait --wait-timeout 60
  for role in $(roles); do
    check "$role: nothing writable but its volumes" fails dc exec -T "$role" touch /opt/x
    check "$role: no capability, no new ones" equals "$(dc exec -T "$role" grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/1/status | awk '{printf "%s ", $2}')" \
      "0000000000000000 0000000000000000 1 "
  done
  check "settings cannot be written by a role" fails in_slave touch /etc/metergate/x
  check "ps shows every role from any container" equals \
    "$(dc exec -T measurement metergate ps --json | python3 -c 'import json, sys; t = sys.stdin.read(); print(all(r in t for r in ("measurement", "register-store", "plain-slave")))')" True
  check "tap shows the bus" sh -c "$(printf '%q ' docker compose -p "$PROJECT" --project-directory . -f "$T/$FILE" run --rm -T tap --count 3 --seconds 20) | grep -q ."
  sleep 5
  figure "PSS of measurement, register-store, plain-slave" "$(pss measurement) $(pss register-store) $(pss plain-slave) MiB"
  figure "PSS of console, master-pusher (which waits); all seven" "$(pss console) $(pss master-pusher); $(pss $(roles)) MiB"
  local total; total=$(pss $(roles | grep -vx -e console -e master-pusher))
  figure "PSS of the five others together, TLS off" "$total MiB"
  check "at most 130 MiB" at_most "$total" 130

  page

  hold
  crash_role measurement supervisor.measurement measurement
  crash_role register-store supervisor.register-store register-store
  sleep 3
  unhold "kill -9 of measurement and register-store (one connection)"
  check "  its connection stands" equals "$(held connections) $(held failures)" "1 0"
  check "  containers were not restarted" equals "$(of measurement '{{.RestartCount}}') $(of register-store '{{.RestartCount}}')" "0 0"

  hold new
  crash_role plain-slave supervisor.plain-slave plain-slave
  sleep 2
  unhold "kill -9 of plain-slave (a new connection for each read)"
  check "  a value again within a second" in_time "$(held longest_ms)" 1000

  hold
  crash_container measurement
  check "  compose starts it again" until_true 20 restarted measurement
  check "  healthy again" until_true 30 healthy measurement
  unhold "kill -9 of the supervisor of measurement"
  check "  the slave's connection stands" equals "$(held connections) $(held failures)" "1 0"

  hold new
  crash_container plain-slave
  sleep 5
  unhold "kill -9 of the supervisor of plain-slave"
  check "  compose started it again" restarted plain-slave
  check "  a value again within 3 seconds" in_time "$(held longest_ms)" 3000

  before=$(of measurement '{{.State.StartedAt}}')$(of register-store '{{.State.StartedAt}}')
  hold new
  check "docker compose restart plain-slave" dc restart plain-slave
  sleep 3
  unhold "docker compose restart plain-slave"
  check "  a value again within 3 seconds" in_time "$(held longest_ms)" 3000
  check "  the others were not touched" equals "$(of measurement '{{.State.StartedAt}}')$(of register-store '{{.State.StartedAt}}')" "$before"

  before=$(wh || echo 999999999999)
  hold
  check "docker compose restart measurement register-store" dc restart measurement register-store
  sleep 3
  unhold "docker compose restart measurement register-store"
  check "  the slave's connection stands" equals "$(held connections) $(held failures)" "1 0"
  check "  counters do not go backwards" at_most "$before" "$(wh)"

  check "all healthy" dc up -d --no-build --wait --wait-timeout 60
  pid=$(role_pid plain-slave supervisor.plain-slave plain-slave)
  other=$(role_pid measurement supervisor.measurement measurement)$(role_pid register-store supervisor.register-store register-store)
  sed 's/^port = 502$/port = 502\nidle_timeout_s = 300/' config/metergate.toml | write_settings
  check "a changed [slave] starts plain-slave again" until_true 15 new_role_pid "$pid" plain-slave supervisor.plain-slave plain-slave
  check "  and nobody else" equals \
    "$(role_pid measurement supervisor.measurement measurement)$(role_pid register-store supervisor.register-store register-store)" "$other"
  pid=$(role_pid plain-slave supervisor.plain-slave plain-slave)
  echo 'nonsense = 1' | write_settings
  check "a wrong file is named with its line" until_true 15 sh -c "$(printf '%q ' docker compose -p "$PROJECT" --project-directory . -f "$T/$FILE" logs plain-slave) | grep -q 'metergate.toml:1'"
  check "  and changes nothing" equals "$(role_pid plain-slave supervisor.plain-slave plain-slave)" "$pid"
  write_settings <config/metergate.toml
  check "  values are served meanwhile" first 5

  encrypted

  began=$(millis)
  check "stop" dc stop
  figure "docker compose stop" "$(($(millis) - began)) ms"
  for role in $(roles); do check "  $role ended with 0" equals "$(of "$role" '{{.State.ExitCode}}')" 0; done
  check "down keeps the volumes" dc down
  check "up again" dc up -d --no-build
  check "a register can be read" first 30
  check "  counters went on" at_most "$before" "$(wh)"
  BEFORE=$(wh || echo 999999999999)
  check "down" dc down
}

# ---- all in one -------------------------------------------------------------

roles_together() {
  FILE=compose.single.yaml
  fresh_settings
  local began
  began=$(millis)
  check "one container: up -d" dc up -d --no-build
  check "a register can be read" first 30
  figure "docker compose up -d to the first value, 1 container" "$(($(millis) - began)) ms"
  check "up --wait: healthy" dc up -d --no-build --wait --wait-timeout 60
  check "counters go on from the other variant's" at_most "$BEFORE" "$(wh)"
  sleep 5
  local total; total=$(pss metergate)
  figure "PSS of the one container" "$total MiB"
  check "at most 100 MiB" at_most "$total" 100
  hold
  crash_role metergate supervisor measurement
  crash_role metergate supervisor register-store
  sleep 2
  unhold "kill -9 of measurement and register-store (one connection)"
  check "  its connection stands" equals "$(held connections) $(held failures)" "1 0"
  hold new
  crash_role metergate supervisor plain-slave
  sleep 2
  unhold "kill -9 of plain-slave (a new connection for each read)"
  check "  a value again within half a second" in_time "$(held longest_ms)" 500
  hold new
  crash_container metergate
  sleep 5
  unhold "kill -9 of the supervisor"
  check "  a value again within 4 seconds" in_time "$(held longest_ms)" 4000
  began=$(millis)
  check "stop" dc stop
  figure "docker compose stop" "$(($(millis) - began)) ms"
  check "  ended with 0" equals "$(of metergate '{{.State.ExitCode}}')" 0
}

for python; do
  say "== python:$python-slim, load $(cut -d' ' -f1 /proc/loadavg) on $(nproc) processors"
  before=$FAILED
  for file in compose.yaml compose.single.yaml; do sed "s/^\( *image:\) metergate$/\1 $IMAGE/" "$file" >"$T/$file"; done
  image "$python"
  if [ "$FAILED" -eq "$before" ]; then  # otherwise there is no image, or not the one to look at
    roles_apart
    roles_together
    check "down -v" dc down -v
    FILE=compose.yaml
    check "down -v of the other" dc --profile tools down -v
    check "nothing is left" gone
  fi
done
say "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
