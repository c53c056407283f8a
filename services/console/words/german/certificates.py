"""Certificates: decisions, authorities, and what is said of each, in German."""

from typing import Final

CERTIFICATES: Final = {
    "certs.unknown": "ein Zertifikat {start}... ist nicht bekannt; die Liste zeigt die bekannten",
    "certs.gone": "ein Zertifikat {start}... ist nicht mehr bekannt",
    "certs.decided_meanwhile": "inzwischen hat jemand anderes darüber entschieden; die Liste zeigt, wie es steht",
    "certs.blocked": "es ist gesperrt; entsperren Sie es zuerst",
    "certs.going": "ihm werden gerade die Rechte entzogen; wiederholen Sie es, sobald das bestätigt ist",
    "certs.by_ca": "eine bekannte Stelle bürgt dafür, es wird schon bedient; Sperren beendet das",
    "certs.blocked_already": "es ist schon gesperrt; Entsperren vergisst das",
    "certs.not_accepted": "es ist nicht akzeptiert und wird also nicht bedient; „Von der Liste nehmen“ entfernt es",
    "certs.not_pending": "es wartet nicht auf eine Entscheidung; die Liste zeigt, was wartet",
    "certs.not_status": "es ist nicht {status}; die Liste zeigt, wie es steht",
    "certs.status_accepted": "akzeptiert",
    "certs.status_blocked": "gesperrt",
    "certs.audit": "das Audit-Log kann nicht geschrieben werden ({reason})",
    "certs.nothing_changed": "nichts wurde geändert: {error}",
    "certs.confirmed_not": "nicht bestätigt: es ist getan, aber {text}",
    "certs.unconfirmed": (
        "nicht bestätigt: {faults} (es ist trotzdem {words}, bekanntermaßen getrennte Verbindungen: {closed})"
    ),
    "certs.word_deleted": "gelöscht",
    "certs.word_removed": "entfernt",
    "certs.word_loaded": "geladen",
    "certs.not_on_disk": "die Vertrauensliste ist noch nicht geschrieben",
    "certs.audit_not_yet": "das Audit-Log ist noch nicht geschrieben",
    "certs.no_ack": "{instance} hat nicht innerhalb von {seconds} s bestätigt",
    "certs.other_host": "{silent}, und läuft auf einem anderen Rechner",
    "certs.done": "{words}; getrennte Verbindungen: {count}",
    "certs.killed": "{text}; beendet, weil sie nicht bestätigt haben: {names}",
    "certs.label": "ein Name hat höchstens {bytes} Bytes in UTF-8, alle sichtbar",
    "certs.most": "{limit} Zertifikate sind schon {status}; löschen oder entsperren Sie zuerst welche",
    "ca.file_there": (
        "eine Datei {name}.pem gibt es schon; geben Sie einen anderen Namen, oder entfernen Sie jene zuerst"
    ),
    "ca.private_key": "darin ist ein privater Schlüssel; von einer Stelle wird nur ihr Zertifikat gebraucht",
    "ca.too_large": "alle Stellen zusammen hätten mehr als {bytes} Bytes; entfernen Sie zuerst eine",
    "ca.no_name": "{name} ist kein Name: nehmen Sie Buchstaben, Ziffern, - und _, höchstens 64, ohne .pem",
    "ca.no_file": "{folder} hat keine Datei {file}; die Liste zeigt die vorhandenen",
    "ca.no_pem": "daraus lässt sich kein Zertifikat in PEM lesen ({error})",
    "ca.no_ca": "{name} ist kein CA-Zertifikat (basicConstraints CA:TRUE): es bürgt für niemanden",
    "ca.unusable": "{name} ist nicht verwendbar: {fault}",
    "ca.folder": (
        "nichts wurde geändert: {folder} kann nicht geschrieben werden ({reason}); legen Sie {name}.pem von "
        "Hand dorthin"
    ),
    "ca.no_authority": "es ist kein CA-Zertifikat (basicConstraints CA:TRUE)",
    "ca.not_used": "{file}: {name} wird nicht verwendet: {fault}",
    "ca.unreadable": "{file}: daraus lassen sich keine Zertifikate lesen ({error})",
    "own.chain_key": "die Kette enthält einen privaten Schlüssel; geben Sie ihn getrennt an",
    "own.by_ca": (
        "eigene Zertifikate sind von einer Stelle ausgestellt: lassen Sie sie dort erneuern (Antrag, dann "
        "Importieren), oder sagen Sie, welches durch ein selbst unterschriebenes ersetzt werden soll"
    ),
    "own.not_written": "nichts wurde geändert: {folder} kann nicht geschrieben werden ({reason})",
    "listed.pending": "noch nicht akzeptiert",
    "listed.blocked": "vom Eigentümer gesperrt",
    "listed.by_ca": "verbürgt durch {authority}",
    "listed.same_key": "derselbe Schlüssel wie beim akzeptierten {name} ({start}), in einem neuen Zertifikat",
    "listed.expired": "abgelaufen: abgewiesen",
    "listed.expires": "läuft in {days} Tagen ab",
    "listed.not_yet": "noch nicht gültig: abgewiesen",
    "listed.role": "fehlerhafte Rolle, keine Rechte: {fault}",
    "listed.is_ca": "ist eine CA: was sie unterschreibt, ist damit nicht akzeptiert",
    "certs.kind": "kind fehlt; geben Sie ec oder rsa an",
    "certs.grant": "grant ist {grant}; geben Sie 'rw' oder 'r' an",
    "certs.not_removed": (
        "{path} kann nicht entfernt werden ({reason}): sie gilt weiter; entfernen Sie die Datei von Hand"
    ),
    "own.no_key": "{path} kann nicht gelesen werden ({reason}); importieren Sie dort, wo keys_dir derselbe ist",
    "own.kind": "{kind} ist keine Art von Schlüssel; es gibt: ec rsa",
}
