"""The settings: kinds of mistake, and what a change brings with it, in German."""

from typing import Final

SETTINGS: Final = {
    "settings.changed_meanwhile": (
        "die Einstellungsdatei wurde inzwischen geändert; sehen Sie sie an, und machen Sie Ihre Änderung noch einmal"
    ),
    "settings.unwritable": "das lässt sich nicht schreiben: {error}",
    "settings.nothing": "nichts ändert sich",
    "settings.starts": "startet: {roles}",
    "settings.ends": "endet: {roles}",
    "settings.unknown_effect": "was {names} tun würde, ist nicht bekannt: keine Antwort",
    "settings.page_restarts": "die Seite selbst startet neu: sie ist in wenigen Sekunden wieder da{where}",
    "settings.page_at": ", unter {place}",
    "settings.page_ends": "diese Seite endet, und metergate läuft ohne sie weiter; {back}",
    "settings.page_enable": "`metergate config set console.enabled true` bringt sie zurück",
    "settings.line": "Zeile {line}: {rest}",
    "settings.more": "von hier an {count} weitere Fehler",
    "settings.not_toml": "ist kein gültiges TOML: {said}",
    "settings.empty": "die Datei ist leer; vielleicht hat ein Editor sie abgeschnitten. `metergate init` schreibt eine",
    "settings.bom": "beginnt mit einer Byte-Order-Markierung; speichern Sie sie als UTF-8 ohne BOM",
    "settings.not_utf8": "ist kein Text in UTF-8 ({reason}); speichern Sie sie als UTF-8",
    "settings.beside_lock": "{path}: jemand anderes ändert die Datei gerade; es wurde nichts geschrieben",
    "settings.beside": (
        "{path}: die Datei wurde inzwischen geändert; es wurde nichts geschrieben, sehen Sie sie an und "
        "versuchen Sie es noch einmal"
    ),
    "settings.read_only": "{path}: lässt sich nicht ändern ({reason}); {cure}. Es wurde nichts geschrieben",
    "settings.cure_mounted": (
        "die Datei selbst ist eingehängt; hängen Sie stattdessen ihren Ordner ein, damit sie ersetzt werden kann"
    ),
    "settings.cure_owner": "sie gehört einem anderen Benutzer, der sie verlöre; ändern Sie sie als dieser Benutzer",
    "settings.cure_rights": "Datei und Ordner müssen für diesen Benutzer schreibbar sein",
    "toml.value": ("ungültiger Wert; ein Text braucht Anführungszeichen, und true und false werden klein geschrieben"),
    "toml.twice": (
        "[{name}] steht ein zweites Mal da; setzen Sie, was dazugehört, unter die erste Überschrift dieses Namens"
    ),
    "check.no_table": "ist {value}, muss aber eine Tabelle sein: {form}",
    "check.no_tables": "ist {value}, muss aber eine Liste von Tabellen sein: [[{key}]]",
    "check.unknown": "ist keine Einstellung; {hint}",
    "check.did_you_mean": "meinten Sie {name}?",
    "check.known": "bekannt sind hier: {names}",
    "check.by_number": "bei {name} gilt die Nummer, nicht der Name: hier {place}",
    "check.missing": "fehlt; geben Sie an: {wants}",
    "kind.table": "eine Tabelle",
    "kind.list": "eine Liste",
    "kind.time": "der Zeitpunkt {when}",
    "check.wrong": "ist {value}, muss aber sein: {wants}",
    "check.invisible": "ist {value} und enthält ein unsichtbares Zeichen; entfernen Sie es",
    "wants.whole": "eine ganze Zahl{range}",
    "wants.number": "eine Zahl{range}",
    "wants.range": "von {lowest} bis {highest}",
    "wants.above": "über {above} bis {highest}",
    "wants.one_of": "eines von {words}",
    "wants.bool": "true oder false",
    "wants.path": "ein Pfad, als nicht leerer Text",
    "wants.list": "eine Liste, jeder Eintrag {item}",
    "wants.tuple": "eine Liste von {count} Einträgen, jeder {item}",
    "wants.table": "eine Tabelle ({name})",
    "wants.text": "ein Text",
    "wants.text_some": "ein Text, der nicht leer ist",
    "wants.text_exact": "ein Text von genau {count} Zeichen",
    "wants.text_from": "ein Text von {shortest} bis {longest} Zeichen",
    "wants.text_most": "ein Text von höchstens {longest} Zeichen",
    "wants.text_like": "ein Text wie {pattern}",
    "wants.name": "ein Name aus Kleinbuchstaben, Ziffern, _ und -, höchstens 32 Zeichen",
    "wants.time": 'eine Uhrzeit wie "06:30"',
    "wants.other": "etwas anderer Art",
    "rules.like_other_meter": "ist {value} wie bei Zähler {number}; jeder Zähler braucht seinen eigenen Wert",
    "rules.caps": "ist {value}, mehr als max_connections ({most}); verringern Sie es, oder erhöhen Sie max_connections",
    "rules.plain_without_tls": "ist true ohne slave.tls; setzen Sie slave.tls = true, oder nehmen Sie es heraus",
    "rules.same_port": "ist {port} wie slave.port; geben Sie jedem seinen eigenen (502 und 802)",
    "rules.wallbox_without_tls": (
        "ist true ohne slave.tls; eine Wallbox darf nur gesteuert werden, während alle Verbindungen verschlüsselt sind"
    ),
    "rules.wallbox_plain": (
        "ist true neben slave.plain_alongside_tls; eine Wallbox darf nur gesteuert werden, während alle "
        "Verbindungen TLS sprechen"
    ),
    "rules.role_twice": "ist {name} zum zweiten Mal; jede Rolle hat eine Zeile",
    "rules.range_order": "hat [{first}, {last}]; der kleinere Wert kommt zuerst",
    "rules.interval": "ist {value}; 100 oder mehr, oder 0 für jeden Messzyklus",
    "rules.too_many": (
        "ist einer zu viel: es sind {count}, und höchstens {most} werden beliefert; nehmen Sie welche heraus"
    ),
    "rules.no_meter": "ist {name}; die Zähler hier sind: {known}",
    "rules.no_group": (
        "ist leer, es würde also nichts gesendet; nennen Sie eine Gruppe, oder setzen Sie enabled = false"
    ),
    "rules.of_no_use": "ist neben {scheme}:// nutzlos, das keine Register erhält; nehmen Sie es heraus",
    "rules.offset": "ist {offset}, was Register nach {first}-{last} verschiebt, außerhalb von 0-65535",
    "rules.console_plain": (
        "ist 'off' neben console.host {host}: Passwörter gingen unverschlüsselt durchs Netz; nehmen Sie es "
        "heraus (https), oder setzen Sie console.host = '127.0.0.1'"
    ),
    "rules.no_source": "ist {source}, aber [meter.{table}] fehlt; fügen Sie die Tabelle mit mindestens {need} hinzu",
    "rules.stale_soon": (
        "ist {age}, weniger als zwei Zyklen ({cycles} s): jeder Wert wäre veraltet, bevor der nächste kommt; "
        "erhöhen Sie es, oder verringern Sie cycle_ms"
    ),
    "rules.number_twice": "ist {number} zum zweiten Mal; jede Tabelle {name} hat ihre eigene",
    "receiver.tls_plain": "ist {address}, also ohne TLS, neben tls = true; schreiben Sie {secure}://",
    "receiver.port_twice": "ist {address}, aber port ist {port}; geben Sie den Port nur einmal an",
    "receiver.no_url": "ist {address}; das ist keine URL ({error})",
    "receiver.scheme": "ist {address}; {scheme} ist keines von modbus, mbaps, http, https",
    "receiver.secret": "enthält Benutzernamen oder Passwort; nehmen Sie token_file oder hmac_file",
    "receiver.fragment": "ist {address}; was hinter # steht, sieht ein Empfänger nie, lassen Sie es weg",
    "receiver.path": "ist {address}; ein Modbus-Slave hat keinen Pfad, schreiben Sie {scheme}://{host}",
    "receiver.path_characters": "ist {address}; sein Pfad hat Zeichen, die als %XX geschrieben werden müssen",
    "receiver.ipv6": "ist {address}; schreiben Sie eine IPv6-Adresse als [2001:db8::1] oder [2001:db8::1]:502",
    "receiver.port_number": "ist {address}; der Port hinter dem Doppelpunkt ist eine Zahl",
    "receiver.port_range": "ist {address}; ein Port ist eine Zahl von 1 bis 65535",
    "receiver.zone": "ist {address}; nur eine IPv6-Adresse hat eine Zone",
    "receiver.ipv4": "ist {address}; {host} ist keine IPv4-Adresse: das sind vier Zahlen von 0 bis 255",
    "receiver.no_host": (
        "ist {address}; geben Sie eine IP-Adresse, einen Hostnamen oder eine URL wie modbus://plc.local:502 an"
    ),
    "patch.by_text": "{key}: diese Änderung lässt sich nicht automatisch machen; machen Sie sie im Text",
    "patch.no_key": "{key} ist kein Schlüssel; Schlüssel sehen aus wie slave.port oder meter[2].modbus.host",
    "patch.which": "{key}: von {name} gibt es {count}; sagen Sie welche, wie in {example}[1]",
    "patch.none": "{key}: {name}[{number}] gibt es nicht; der Text hat {count}",
    "patch.no_item": "{key}: {name}[{number}] gibt es nicht",
    "patch.no_table": "{key}: {name} ist keine Tabelle",
    "patch.no_list": "{key}: {name} ist keine Liste von Tabellen; lassen Sie [{number}] weg",
    "slaves.most": "es gibt schon {count} Empfänger, und höchstens {most} werden beliefert; löschen Sie zuerst einen",
    "slaves.changed": (
        "Slave {number} ist nicht mehr {address}: die Einstellungen wurden inzwischen geändert; sehen Sie noch "
        "einmal nach"
    ),
    "slaves.changed_test": (
        "Slave {number} ist nicht mehr {address}: die Einstellungen wurden geändert; sehen Sie noch einmal nach"
    ),
    "slaves.function_6": (
        "Funktion 6 schreibt ein Register nach dem anderen, sodass ein Leser zerschnittene Werte sehen kann; "
        "nehmen Sie 16, wenn der Slave es kann"
    ),
    "slaves.secrets": "token_file und hmac_file sind für Webdienste; ein Modbus-Slave erfährt sie nie",
    "slaves.token_plain": "das Token geht unverschlüsselt durchs Netz; nehmen Sie https://",
    "slaves.mean": (
        "Mittelwerte gelten nur mit einem Intervall: jeder Zyklus wird gesendet, wie er ist; setzen Sie "
        "master.interval_ms"
    ),
    "settings.unreadable": "{path}: kann nicht gelesen werden ({reason}); prüfen Sie Pfad und Rechte",
    "settings.too_large": (
        "{path}: hat mehr als {bytes} Bytes; Einstellungen sind viel kleiner, prüfen Sie, was das ist"
    ),
    "settings.no_file": "{path}: ist eine Pipe oder ein Gerät; legen Sie eine Datei dorthin",
    "settings.deep": "ist nicht verwendbar: {what}, mehr als {most}; keine Einstellung braucht das, entfernen Sie es",
    "settings.deep_tables": "die Tabellen oder Listen sind zu tief verschachtelt",
    "settings.deep_key": "ein Schlüssel hat zu viele Teile",
    "settings.huge": (
        "ist nicht verwendbar: eine Zahl mit Tausenden von Ziffern, oder ein so langer Schlüssel; entfernen Sie es"
    ),
    "patch.too_long": "{key} ist kein Schlüssel: er hat {count} Teile, das braucht keine Einstellung",
    "patch.number": "{key}: eine Nummer steht nur hinter einer Liste von Tabellen; setzen Sie einen Schlüssel darin",
    "patch.deep": "{key}: ist zu tief verschachtelt",
    "rules.bus_this": "{have}; geben Sie den Namen des [[bus.host]] dieses Rechners an ({names})",
    "rules.bus_missing": "fehlt für transport 'tcp'",
    "rules.bus_key": "fehlt; `metergate bus-key FILE` erzeugt einen",
    "rules.bus_role": "hat {role}, das {host} schon hat",
    "advice.example": (
        "ist {host}, eine Adresse für Beispiele, unter der nichts antwortet; geben Sie die echte an: `metergate config "
        "set {key} ADDRESS`"
    ),
    "place.cannot": "kann auf {host}, Port {port}, nicht lauschen: {why}",
    "place.no_name": (
        "kann auf {host} nicht lauschen: {reason}; geben Sie eine Adresse dieses Rechners an, oder 0.0.0.0 für alle"
    ),
    "place.taken": (
        "ein anderes Programm tut es; `ss -ltnp sport = :{port}` nennt es. Beenden Sie es, oder setzen Sie {key} anders"
    ),
    "place.ours": "{role} tut es; setzen Sie {key} anders",
    "place.low": (
        "ein so niedriger Port braucht ein Vorrecht. `metergate config set {key} {port}` nimmt einen anderen, oder "
        "erlauben Sie ihn: sysctl net.ipv4.ip_unprivileged_port_start=0 in einem Container, "
        "AmbientCapabilities=CAP_NET_BIND_SERVICE in einer systemd-Unit"
    ),
    "place.no_address": (
        "dieser Rechner hat keine solche Adresse. Geben Sie eine seiner eigenen an, oder 0.0.0.0 für alle"
    ),
    "place.later": "sobald es geht, startet der Prozess von selbst",
    "state.unusable": (
        "gateway.state_dir: {path} ist nicht nutzbar ({reason}); geben Sie einen Ordner an, der dem Benutzer gehört, "
        "unter dem metergate läuft, oder setzen Sie METERGATE_STATE_DIR"
    ),
    "state.audit": (
        "gateway.state_dir: das Audit-Log lässt sich nicht schreiben ({path}: {reason}); geben Sie einen Ordner an, "
        "der dem Benutzer gehört, unter dem metergate läuft, oder setzen Sie METERGATE_STATE_DIR"
    ),
    "state.keys": (
        "certificates.keys_dir: {path} ist nicht nutzbar ({reason}); geben Sie einen Ordner an, der dem Benutzer "
        "gehört, unter dem metergate läuft, oder setzen Sie METERGATE_KEYS_DIR"
    ),
    "state.in_use": (
        "gateway.state_dir: {path} wird von einem anderen metergate benutzt, `fuser {file}` nennt es; zwei machten "
        "einander zunichte, was sie zählen. Beenden Sie jenes, oder geben Sie diesem ein eigenes state_dir"
    ),
    "state.missing": "etwas fehlt, siehe sein Log",
    "state.again": "wird alle {seconds} s wieder versucht",
    "state.unsafe": (
        "{path} kommt nicht auf seinen Datenträger ({reason}): Werte werden weiter geliefert, aber ein Stromausfall "
        "nähme, was seither gezählt ist; es wird wieder versucht"
    ),
    "state.lost": (
        "{path} ist nicht mehr da und lässt sich nicht wiederherstellen ({reason}): Werte werden weiter geliefert, "
        "aber der nächste Start wüsste nicht, was seither gezählt ist; es wird wieder versucht"
    ),
}
