"""The settings: kinds of mistake, and what a change brings with it."""

from typing import Final

SETTINGS: Final = {
    "settings.changed_meanwhile": "the settings file was changed meanwhile; look at it, and make your change again",
    "settings.unwritable": "this cannot be written: {error}",
    "settings.nothing": "nothing changes",
    "settings.starts": "starts: {roles}",
    "settings.ends": "ends: {roles}",
    "settings.unknown_effect": "what {names} would do is not known: no answer",
    "settings.page_restarts": "the page itself starts again: it is back within seconds{where:said}",
    "settings.page_at": ", at {place}",
    "settings.page_ends": "this page ends, and metergate goes on without it; {back:said}",
    "settings.page_enable": "`metergate config set console.enabled true` brings it back",
    "settings.line": "line {line}: {rest:said}",
    "settings.more": "from here on {count} mistakes more",
    "settings.not_toml": "is not valid TOML: {said:said}",
    "settings.empty": "the file is empty; an editor may have truncated it. `metergate init` writes one",
    "settings.bom": "begins with a byte order mark; save it as UTF-8 without BOM",
    "settings.not_utf8": "is not UTF-8 text ({reason}); save it as UTF-8",
    "settings.beside_lock": "{path}: somebody else is changing it; nothing was written",
    "settings.beside": "{path}: it was changed meanwhile; nothing was written, look at it and try again",
    "settings.read_only": "{path}: cannot be changed ({reason}); {cure:said}. Nothing was written",
    "settings.cure_mounted": "the file itself is mounted; mount its folder instead, so that it can be replaced",
    "settings.cure_owner": "it belongs to another user, who would lose it; change it as that user",
    "settings.cure_rights": "file and folder must be writable for this user",
    "toml.value": "Invalid value; a text needs quotes, and true and false small letters",
    "toml.twice": "Cannot declare [{name}] twice; put what belongs to it under the first heading of that name",
    "check.no_table": "is {value:said}, but must be a table: {form}",
    "check.no_tables": "is {value:said}, but must be a list of tables: [[{key}]]",
    "check.unknown": "is no setting; {hint:said}",
    "check.did_you_mean": "did you mean {name}?",
    "check.known": "known here: {names}",
    "check.by_number": "each {name} goes by its number, not by its name: this one is {place}",
    "check.missing": "is missing; give {wants:said}",
    "kind.table": "a table",
    "kind.list": "a list",
    "kind.time": "the date or time {when}",
    "check.wrong": "is {value:said}, but must be {wants:said}",
    "check.invisible": "is {value}, which holds a character that cannot be seen; remove it",
    "wants.whole": "a whole number{range:said}",
    "wants.number": "a number{range:said}",
    "wants.range": "from {lowest} to {highest}",
    "wants.above": "above {above} up to {highest}",
    "wants.one_of": "one of {words}",
    "wants.bool": "true or false",
    "wants.path": "a path, as a text that is not empty",
    "wants.list": "a list, each item {item:said}",
    "wants.tuple": "a list of {count} items, each {item:said}",
    "wants.table": "a table ({name})",
    "wants.text": "a text",
    "wants.text_some": "a text that is not empty",
    "wants.text_exact": "a text of {count} characters",
    "wants.text_from": "a text of {shortest} to {longest} characters",
    "wants.text_most": "a text of at most {longest} characters",
    "wants.text_like": "a text like {pattern}",
    "wants.name": "a name of lower case letters, digits, _ and -, at most 32 characters",
    "wants.time": 'a time of day such as "06:30"',
    "wants.other": "another type",
    "rules.like_other_meter": "is {value} like that of meter {number}; each meter needs its own",
    "rules.caps": "is {value}, more than max_connections ({most}); lower it, or raise max_connections",
    "rules.plain_without_tls": "is true without slave.tls; set slave.tls = true, or take it out",
    "rules.same_port": "is {port} like slave.port; give each its own (502 and 802)",
    "rules.wallbox_without_tls": (
        "is true without slave.tls; a wallbox may only be steered while all connections are encrypted"
    ),
    "rules.wallbox_plain": (
        "is true beside slave.plain_alongside_tls; a wallbox may only be steered while all connections are TLS"
    ),
    "rules.role_twice": "is {name} a second time; each has one row",
    "rules.range_order": "has [{first}, {last}]; the lower comes first",
    "rules.interval": "is {value}; 100 or more, or 0 for each measuring cycle",
    "rules.too_many": "is one too many: there are {count}, and {most} at most are pushed to; take some out",
    "rules.no_meter": "is {name}; the meters here are: {known}",
    "rules.no_group": "is empty, so nothing would be pushed; name a group, or set enabled = false",
    "rules.of_no_use": "is of no use beside {scheme}://, which gets no registers; take it out",
    "rules.offset": "is {offset}, which moves registers to {first}-{last}, outside of 0-65535",
    "rules.console_plain": (
        "is 'off' beside console.host {host}: passwords would cross the network in plain; take it out for "
        "https, or set console.host = '127.0.0.1'"
    ),
    "rules.no_source": "is {source}, but there is no [meter.{table}]; add it with at least {need}",
    "rules.stale_soon": (
        "is {age}, less than two cycles ({cycles} s): every value would be stale before the next comes; raise "
        "it, or lower cycle_ms"
    ),
    "rules.number_twice": "is {number} a second time; each {name} has its own",
    "receiver.tls_plain": "is {address}, which is without TLS, beside tls = true; write {secure}:// instead",
    "receiver.port_twice": "is {address}, but port is {port}; give the port once",
    "receiver.no_url": "is {address}, which is no URL ({error})",
    "receiver.scheme": "is {address}; {scheme} is none of modbus, mbaps, http, https",
    "receiver.secret": "holds a user name or password; use token_file or hmac_file",
    "receiver.fragment": "is {address}; a receiver never sees what stands behind #, leave it out",
    "receiver.path": "is {address}; a Modbus slave has no path, write {scheme}://{host}",
    "receiver.path_characters": "is {address}; its path has characters that must be written as %XX",
    "receiver.ipv6": "is {address}; write an IPv6 address as [2001:db8::1] or [2001:db8::1]:502",
    "receiver.port_number": "is {address}; the port behind the colon is a number",
    "receiver.port_range": "is {address}; a port is a number from 1 to 65535",
    "receiver.zone": "is {address}; only an IPv6 address has a zone",
    "receiver.ipv4": "is {address}; {host} is no IPv4 address, which is four numbers from 0 to 255",
    "receiver.no_host": "is {address}; give an IP address, a host name, or a URL such as modbus://plc.local:502",
    "patch.by_text": "{key}: this change cannot be made by program; make it in the text",
    "patch.no_key": "{key} is no key; keys look like slave.port or meter[2].modbus.host",
    "patch.which": "{key}: there are {count} of {name}; say which, as in {example}[1]",
    "patch.none": "{key}: there is no {name}[{number}]; the text has {count}",
    "patch.no_item": "{key}: there is no {name}[{number}]",
    "patch.no_table": "{key}: {name} is no table",
    "patch.no_list": "{key}: {name} is no list of tables; leave out [{number}]",
    "slaves.most": (
        "there are {count} receivers already, and {most} at most are pushed to; delete one with `metergate "
        "slaves delete`"
    ),
    "slaves.changed": "slave {number} is no longer {address}: the settings were changed meanwhile; look again",
    "slaves.changed_test": "slave {number} is no longer {address}: the settings were changed; look again",
    "slaves.function_6": (
        "function 6 writes one register at a time, so that a reader may see values cut in two; use 16 if it can"
    ),
    "slaves.secrets": "token_file and hmac_file are for web services; a Modbus slave is never told them",
    "slaves.token_plain": "the token goes over the network unencrypted; use https://",
    "slaves.mean": "mean values count only with an interval: each cycle is pushed as it is; set master.interval_ms",
    "settings.unreadable": "{path}: cannot be read ({reason}); check path and permissions",
    "settings.too_large": "{path}: has more than {bytes} bytes; settings are far smaller, check what it is",
    "settings.no_file": "{path}: is a pipe or a device; put a file there",
    "settings.deep": "is not usable: {what:said}, more than {most}; no setting needs that, remove it",
    "settings.deep_tables": "its tables or lists are nested too deeply",
    "settings.deep_key": "a key has too many parts",
    "settings.huge": "is not usable: a number of thousands of digits, or a key as long; remove it",
    "patch.too_long": "{key} is no key: it has {count} parts, no setting needs that",
    "patch.number": "{key}: a number stands behind a list of tables only; set a key in it",
    "patch.deep": "{key}: is nested too deeply",
    "rules.bus_this": "{have:said}; give the name of this host's [[bus.host]] ({names})",
    "rules.bus_missing": "is missing for transport 'tcp'",
    "rules.bus_key": "is missing; `metergate bus-key FILE` makes one",
    "rules.bus_role": "has {role}, which {host} has already",
    "advice.example": (
        "is {host}, an address for examples, at which nothing answers; give that of yours: `metergate config set {key} "
        "ADDRESS`"
    ),
    "place.cannot": "cannot listen on {host} port {port:number}: {why:said}",
    "place.no_name": ("cannot listen on {host}: {reason}; give an address of this machine, or 0.0.0.0 for all"),
    "place.taken": "another program does; `ss -ltnp sport = :{port:number}` names it. Stop it, or set another {key}",
    "place.ours": "{role} does; set another {key}",
    "place.low": (
        "ports this low need a privilege. `metergate config set {key} {port:number}` takes another, or allow it: "
        "sysctl net.ipv4.ip_unprivileged_port_start=0 in a container, AmbientCapabilities=CAP_NET_BIND_SERVICE in a "
        "systemd unit"
    ),
    "place.no_address": "this machine has no such address. Give one of its own, or 0.0.0.0 for all",
    "place.later": "once it can, it starts by itself",
    "state.unusable": (
        "gateway.state_dir: {path} cannot be used ({reason}); give a folder that belongs to the user who runs "
        "metergate, or set METERGATE_STATE_DIR"
    ),
    "state.audit": (
        "gateway.state_dir: the audit log cannot be written ({path}: {reason}); give a folder that belongs to the user "
        "who runs metergate, or set METERGATE_STATE_DIR"
    ),
    "state.keys": (
        "certificates.keys_dir: {path} cannot be used ({reason}); give a folder that belongs to the user who runs "
        "metergate, or set METERGATE_KEYS_DIR"
    ),
    "state.in_use": (
        "gateway.state_dir: {path} is in use by another metergate, and `fuser {file}` names it; two would undo what "
        "each other counts. Stop that one, or give this one its own state_dir"
    ),
    "state.missing": "something is missing, see its log",
    "state.again": "tried again every {seconds} s",
    "state.unsafe": (
        "{path} does not reach its disk ({reason}): values are served on, but a power failure would take what is "
        "counted since; it is tried again"
    ),
    "state.lost": (
        "{path} is no longer there and cannot be put back ({reason}): values are served on, but the next start would "
        "not know what is counted since; it is tried again"
    ),
}
