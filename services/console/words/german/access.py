"""Signing in, guards, and who runs, in German."""

from typing import Final

ACCESS: Final = {
    "guard.host_missing": "der Header Host fehlt oder ist fehlerhaft",
    "guard.host_unknown": (
        "unter dem Namen {host} gibt es diese Seite nicht; öffnen Sie sie unter ihrer Adresse, oder tragen Sie "
        "den Namen in den Einstellungen unter [console] names ein"
    ),
    "guard.header_twice": "der Header {name} ist doppelt",
    "guard.other_site": "die Seite einer anderen Website hat dies angefragt; das darf sie nicht",
    "guard.other_page": "eine andere Seite wollte diese Änderung",
    "guard.origin_missing": "der Header Origin fehlt",
    "guard.origin": "{what}; nur diese Seite selbst darf das, oder ein API-Token",
    "guard.token": "der Header X-Metergate-Token fehlt oder gehört nicht zu dieser Sitzung; laden Sie die Seite neu",
    "guard.bearer": "geben Sie ein API-Token an: Authorization: Bearer mg_...",
    "guard.token_unknown": "dieses API-Token ist nicht bekannt oder wurde gelöscht",
    "door.wrong_password": "Benutzer und Passwort passen nicht zusammen",
    "door.password_set": "ein Passwort ist gesetzt: melden Sie sich damit an",
    "door.password_set_already": "ein Passwort ist schon gesetzt: melden Sie sich damit an",
    "door.wrong_code": "dies ist nicht der Code, den metergate zuletzt ausgegeben hat",
    "door.not_yours": "melden Sie sich als der Benutzer an, dessen Passwort es ist",
    "door.wrong_current": "das bisherige Passwort ist ein anderes",
    "door.changed": "dieser Benutzer wurde gerade von jemand anderem geändert; hier wurde nichts geändert",
    "door.too_often": "zu viele falsche Versuche; versuchen Sie es in {seconds} s wieder",
    "door.busy": "es werden gerade zu viele Passwörter geprüft; versuchen Sie es in einigen Sekunden wieder",
    "door.damaged": (
        "{path} ist nicht verwendbar ({reason}): niemand kann sich anmelden. Legen Sie eine Sicherung an diese "
        "Stelle, oder nehmen Sie die Datei weg, um mit einem neuen Einrichtungscode anzufangen; danach "
        "`metergate restart console`"
    ),
    "file.not_written": "{path} kann nicht geschrieben werden ({reason}); es wurde nichts geändert",
    "audit.not_written": "das Audit-Log kann nicht geschrieben werden ({reason}); es wurde nichts geändert",
    "audit.broken": "das Audit-Log ist nicht vollständig: {broken}",
    "app.sign_in": "melden Sie sich zuerst an, oder senden Sie ein API-Token",
    "app.scope": "dafür ist das Recht {needed} nötig; vorhanden ist {given}",
    "app.failed": "in metergate selbst stimmt etwas nicht; sein Log sagt mehr",
    "app.no_json": "der Inhalt ist kein JSON: {error}",
    "app.too_large": "höchstens {bytes} Bytes",
    "app.too_slow": "der Inhalt kam nicht innerhalb von {seconds} s",
    "users.most": "es gibt schon {count} Benutzer; löschen Sie zuerst einen",
    "users.unknown": "diesen Benutzer gibt es nicht",
    "users.last_admin": (
        "{name} ist der letzte Benutzer, der alles ändern darf; machen Sie zuerst einen anderen zum Verwalter"
    ),
    "tokens.most": "es gibt schon {count} API-Token; löschen Sie zuerst eines",
    "tokens.unknown": "dieses API-Token gibt es nicht",
    "sessions.unknown": "diese Sitzung gibt es nicht",
    "sessions.ended": "abgemeldet",
    "streams.most": "zu viele Ereignisströme sind offen (höchstens {each} je Sitzung, {all} insgesamt)",
    "streams.topic": "das Thema {name} gibt es nicht; es gibt: {known}",
    "streams.scope": "für das Thema {name} ist das Recht 'read' nötig",
    "tap.most": "{count} hören schon am Bus mit; beenden Sie einen davon",
    "tap.slow": "die Aufzeichnung wird nicht so schnell abgenommen, wie Nachrichten kommen",
    "charts.unreadable": (
        "die Datei der Diagramme kann gerade nicht gelesen werden ({error}); versuchen Sie es noch einmal"
    ),
    "roles.unknown": "kein Supervisor auf diesem Rechner führt {name} aus",
    "roles.away": "{role} läuft nicht: {reason}",
    "roles.disabled_fix": "{role} ist in den Einstellungen ausgeschaltet; schalten Sie es dort ein",
    "roles.disabled": "in den Einstellungen ausgeschaltet",
    "roles.stopped": "auf Befehl beendet; Starten bringt es zurück",
    "roles.silent": "{supervisor} meldet sich nicht",
    "roles.page_ends": "die Seite selbst endet jetzt; {back}",
    "roles.page_back": "sie ist in wenigen Sekunden wieder da",
    "roles.page_start": "`metergate start console` bringt sie zurück",
    "roles.busy": "{name} ist beschäftigt",
    "roles.stopping": "metergate wird gerade beendet",
    "bus.busy": "{name} ist beschäftigt; versuchen Sie es noch einmal",
    "bus.silent": "{name} hat {verb} nicht innerhalb von {seconds} s beantwortet; siehe Prozesse",
    "meters.unknown": "den Zähler {name} gibt es nicht; es gibt: {known}",
    "meters.none": "die Einstellungen nennen keinen [[meter]]",
    "clients.unknown_slave": "{name} ist kein Slave, der läuft",
    "clients.no_slave": "es läuft kein Slave, der ihn kennen könnte",
    "app.too_fast": "zu viele Anfragen; versuchen Sie es in {seconds} s wieder",
}
