"""Every key of the settings -> what it is for, in German; `shared/config` says it in English, beside the key itself."""

from typing import Final

KEYS: Final = {
    "gateway": "Wo die laufende Instanz ihre Sockets und ihr Gedächtnis hat.",
    "gateway.run_dir": (
        "Sockets und Sperren, die nach einem Neustart der Maschine niemand vermisst. METERGATE_RUN_DIR geht vor."
    ),
    "gateway.state_dir": "was einen Neustart überlebt: Energiezähler. METERGATE_STATE_DIR geht vor.",
    "bus": (
        "Wie die Rollen miteinander reden. `ipc` auf einem Rechner, auch zwischen Containern; `tcp` zwischen "
        "Rechnern, verschlüsselt."
    ),
    "bus.transport": "`ipc` oder `tcp`.",
    "bus.this": "Name des Eintrags dieses Rechners.",
    "bus.secret_key_file": "geheimer CURVE-Schlüssel dieses Rechners, Modus 0600.",
    "bus.port": "der erste von 224 Ports, zwei für jede Instanz.",
    "bus.host": "alle Rechner.",
    "bus.host.name": "frei gewählt; `bus.this` verweist darauf.",
    "bus.host.address": "IP-Adresse, an der seine Rollen lauschen und gefunden werden.",
    "bus.host.public_key": "öffentlicher CURVE-Schlüssel, 40 Zeichen, wie ihn `metergate bus-key` ausgibt.",
    "bus.host.roles": "was dort läuft; jede Rolle nur auf einem Rechner.",
    "meter": "Ein Zähler. Ohne diesen Abschnitt wird nichts Aktuelles ausgegeben.",
    "meter.id": "Name auf dem Bus und in Dateien.",
    "meter.source": "welche der Tabellen unten ihn speist.",
    "meter.unit": "Modbus-Unit-ID; wählt den Zähler aus, wo es mehrere gibt.",
    "meter.cycle_ms": "wie oft gemessen wird, ms.",
    "meter.stale_after_s": (
        "Alter in Sekunden, ab dem aktuelle Register mit Ausnahme 04 beantwortet werden; ohne Angabe das "
        "größere von 5 s und 3 Zyklen."
    ),
    "meter.sunspec_layout": (
        "`2.6` wie Firmware 2.6 und neuer (Endmodell bei 40177), `2.5` wie davor (ab 40070 eins niedriger)."
    ),
    "meter.max_power_kw": (
        "eine Leistung darüber, oder ein Energiesprung, der sie bräuchte, gilt als Fehler der Quelle."
    ),
    "meter.simulated": "Ein erfundener Haushalt. In den Modelltexten nennt er sich SIMULATION.",
    "meter.simulated.seed": "derselbe Wert gibt denselben Haushalt.",
    "meter.simulated.start": "Uhrzeit, zu der er beginnt; ohne Angabe die wirkliche.",
    "meter.simulated.speed": "wie viele simulierte Sekunden in einer vergehen.",
    "meter.simulated.pv_kwp": "Spitzenleistung des Solardachs, kW; 0 für keines.",
    "meter.simulated.battery_kwh": "Kapazität der Batterie, kWh; 0 für keine.",
    "meter.simulated.wallbox_kw": "größte Ladeleistung, kW; 0 für keine Wallbox.",
    "meter.modbus": "Ein wirklicher Zähler an Modbus TCP.",
    "meter.modbus.host": "Name oder Adresse, unter der der Zähler antwortet.",
    "meter.modbus.profile": "Name eines mitgelieferten Profils (`ksem`, `sunspec`) oder Pfad einer eigenen TOML-Datei.",
    "meter.modbus.port": "TCP-Port, an dem er antwortet.",
    "meter.modbus.unit": "Modbus-Unit-ID, unter der er antwortet.",
    "meter.modbus.timeout_s": "für eine Anfrage.",
    "meter.modbus.tls": (
        "Modbus/TCP Security (meist Port 802); das Zertifikat des Zählers erscheint in der Liste und muss "
        "einmal akzeptiert werden."
    ),
    "meter.replay": "Eine Aufzeichnung statt eines Zählers.",
    "meter.replay.file": "eine CSV-Datei, oder eine Aufzeichnung von `metergate tap --record`.",
    "meter.replay.speed": "1 wie aufgezeichnet, 10 zehnmal so schnell.",
    "meter.replay.loop": "am Ende von vorn beginnen; sonst altert der letzte Wert.",
    "meter.replay.meter": "welcher Zähler der Aufzeichnung; ohne Angabe der einzige.",
    "meter.identity": "Wie sich der Zähler nach außen nennt. Was fehlt, sagt die Quelle.",
    "meter.identity.manufacturer": "wer ihn gebaut hat, höchstens 32 Bytes in UTF-8.",
    "meter.identity.model": "was er ist, ebenso.",
    "meter.identity.version": "seiner Firmware, höchstens 16 Bytes.",
    "meter.identity.serial_number": "seine eigene, höchstens 32 Bytes.",
    "meter.group": "Eine von 48 Gruppen, 40 Register ab 59392 + 40 * (Nummer - 1).",
    "meter.group.number": "welche der Gruppen.",
    "meter.group.label": "ihr Name für Clients; im Register stehen höchstens 8 Bytes davon.",
    "meter.sensor": "Einer von 96 Sensoren, 40 Register ab 61440 + 40 * (Nummer - 1).",
    "meter.sensor.number": "welcher der Sensoren.",
    "meter.sensor.label": "sein Name für Clients; im Register stehen höchstens 8 Bytes davon.",
    "meter.sensor.serial_and_index": "die Zahl des Registers, frei gewählt.",
    "meter.sensor.phase": "1 bis 3; 0, wo er keine hat.",
    "slave": "Der Modbus-Slave, unverschlüsselt an einem Port oder mit TLS an einem anderen.",
    "slave.enabled": "ob er läuft.",
    "slave.tls": "Modbus/TCP Security an `tls_port`; schließt `port` für alle, wie am Gerät.",
    "slave.plain_alongside_tls": "`port` trotzdem offen lassen, nur zum Lesen.",
    "slave.host": "wo er lauscht; `::` für IPv6 und IPv4.",
    "slave.port": "TCP-Port, an dem er unverschlüsselt lauscht.",
    "slave.tls_port": "TCP-Port, an dem er mit TLS lauscht.",
    "slave.workers": "Prozesse, die sich jeden Port teilen.",
    "slave.max_connections": (
        "insgesamt; eine mehr wird abgewiesen, außer eine, die seit 10 s noch nichts gefragt hat, macht Platz."
    ),
    "slave.max_connections_per_address": "eines Clients; eine mehr wird abgewiesen.",
    "slave.idle_timeout_s": "eine Verbindung, auf der so lange keine Anfrage kam, wird geschlossen; 0 für nie.",
    "slave.handshakes_per_s": "mehr TLS-Handshakes, von allen Clients zusammen, warten oder werden abgewiesen.",
    "slave.handshakes_per_s_per_address": "dasselbe für einen Client.",
    "master": "Sendet die Register in bis zu zehn Slaves.",
    "master.enabled": "ob er läuft.",
    "master.interval_ms": "wie oft, 100 bis 86400000; 0: nach jedem Messzyklus.",
    "master.values": (
        "`current` die des neuesten Zyklus; `mean` das Mittel über das Intervall (Energien werden nie gemittelt)."
    ),
    "master.groups": "für Slaves, die keine eigenen nennen.",
    "master.groups.instantaneous_total": "aktuelle Werte in Summe, Register 0-27.",
    "master.groups.instantaneous_phases": "aktuelle Werte der Phasen, Register 40-145.",
    "master.groups.energy_total": "Energiezähler in Summe, Register 512-551.",
    "master.groups.energy_phases": "Energiezähler der Phasen, Register 592-791.",
    "master.slave": "die Empfänger.",
    "master.slave.address": (
        "IP-Adresse, Hostname oder URL: modbus://HOST:PORT, mbaps://HOST:PORT (TLS), http://..., https://..."
    ),
    "master.slave.port": "TCP-Port, wo die Adresse keinen nennt; ohne Angabe 502, mit TLS 802.",
    "master.slave.label": "ein Name für Menschen.",
    "master.slave.enabled": "ob er beliefert wird.",
    "master.slave.tls": (
        "Modbus/TCP Security; das Zertifikat des Slaves erscheint in der Liste und muss einmal akzeptiert werden."
    ),
    "master.slave.unit": "seine Modbus-Unit-ID.",
    "master.slave.meter": "ID des Zählers, dessen Register er erhält; ohne Angabe der erste.",
    "master.slave.groups": "welche Register er erhält; ohne Angabe die von [master.groups].",
    "master.slave.function": (
        "16 schreibt Werte ganz; 6 schreibt ein Register nach dem anderen und zerschneidet Werte: nur für "
        "Slaves, die nichts anderes kennen."
    ),
    "master.slave.base_offset": "wird zur Adresse jedes Registers addiert.",
    "master.slave.word_order": "von Werten, die länger als ein Register sind; `high_first` wie am KSEM.",
    "master.slave.timeout_s": "für eine Verbindung, und für jede Antwort.",
    "master.slave.only_changes": "nur Gruppen senden, deren Register sich geändert haben.",
    "master.slave.refresh_s": "mit only_changes: alles noch einmal nach so vielen Sekunden.",
    "master.slave.token_file": "nur Webdienst: Datei mit einem Token, gesendet als `Authorization: Bearer`.",
    "master.slave.hmac_file": (
        "nur Webdienst: Datei mit einem Schlüssel, mit dem jede Nachricht signiert wird (HMAC-SHA256)."
    ),
    "certificates": "Eigene Schlüssel und die Zertifikate anderer.",
    "certificates.keys_dir": "eigene Schlüssel und Zertifikate; METERGATE_KEYS_DIR geht vor.",
    "certificates.ca_dir": (
        "PEM-Dateien der Stellen, deren Clients bedient werden, ohne dass jedes Zertifikat einzeln akzeptiert wird."
    ),
    "certificates.names": "Hostnamen und IP-Adressen für die eigenen Zertifikate; leer: der Name dieses Rechners.",
    "certificates.own_role": "Rollentext in den eigenen Zertifikaten; leer für keinen.",
    "certificates.warn_days": "vor einem Zertifikat, das in so vielen Tagen endet, wird gewarnt.",
    "certificates.role": "Die Tabelle der Rechte. Ohne eigene Zeile gelten die mitgelieferten: docs/certificates.md.",
    "certificates.role.name": 'der ganze Text der Rolle im Zertifikat; "" für Zertifikate ohne Rolle.',
    "certificates.role.functions": "Funktionscodes von Modbus.",
    "certificates.role.read": "Listen von [erste, letzte] Registeradresse.",
    "certificates.role.write": "Listen von [erste, letzte] Registeradresse.",
    "wallbox": "Die Wallbox hinter dem Zähler.",
    "wallbox.present": "eine ist angeschlossen, sodass es ihren Block 49206-49261 gibt.",
    "wallbox.external_control": (
        "ihre Register 41168-41172 dürfen geschrieben werden, nur über TLS; braucht `slave.tls`."
    ),
    "console": "Die Webseite und ihre API.",
    "console.enabled": "ob sie läuft.",
    "console.host": "wo sie lauscht; von Haus aus nur auf dieser Maschine, `0.0.0.0` oder `::` für alle.",
    "console.port": "TCP-Port, an dem sie lauscht.",
    "console.tls": "`auto` ist https, außer `host` ist nur diese Maschine; `off` gilt nur für diesen Fall.",
    "console.names": "Hostnamen, unter denen die Seite geöffnet wird, außer Adressen, localhost und Namen in .local.",
    "console.open_metrics": "Programme auf dieser Maschine /metrics ohne API-Token lesen lassen.",
    "console.history_days": (
        "Tage, für die die Diagramme ihre Minuten behalten, von allen Zählern zusammen höchstens zwei Millionen, also "
        "1388 Tage von einem Zähler; die Energie jedes Tages bleibt zehn Jahre."
    ),
    "supervisor": "Wie mit Ausfällen umgegangen wird.",
    "supervisor.beat_timeout_s": "eine Rolle, deren Schleife so lange schweigt, wird beendet und neu gestartet.",
    "supervisor.stop_timeout_s": "wie lange eine Rolle zum Beenden brauchen darf, bevor sie abgebrochen wird.",
    "supervisor.max_deaths_per_minute": (
        "darüber wird je nach Rolle die Rolle angehalten, oder der Supervisor gibt auf."
    ),
    "log": "Wie viel auf die Standardfehlerausgabe geschrieben wird, und in welcher Form.",
    "log.level": "Zeilen von diesem Gewicht an.",
    "log.format": "`console` für Menschen, `json` für Programme; `auto` ist farbig am Terminal, sonst JSON.",
}
