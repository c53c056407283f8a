"""Meters: why one gives nothing, that it does again, and what is not taken from it, in German."""

from typing import Final

METERS: Final = {
    "meter.lost": "keine Messwerte: {why}",
    "meter.dropped": "eine Messung wurde verworfen: {why}",
    "meter.often": "{what} (bisher {times} Mal)",
    "meter.back": "Zähler {meter}: nach {seconds} s kommen wieder Messwerte",
    "meter.first": "Zähler {meter}: nach {seconds} s die ersten Messwerte",
    "meter.stale": "seine Momentanwerte waren {seconds} s lang veraltet",
    "meter.uncounted": "in der Energie, die der Zähler nicht selbst zählt, fehlt diese Zeit",
    "meter.other_source": (
        "{meter}: measurement läuft noch nach anderen Einstellungen: die Messung kommt aus der Quelle {source}, die "
        "Einstellungen sagen {wanted}; weder gezeigt noch gezählt. Siehe `metergate ps`"
    ),
    "meter.refused": "abgelehnt; bedient der Zähler Modbus TCP auf diesem Port?",
    "meter.unknown_name": "der Name ist nicht bekannt; prüfen Sie meter.modbus.host",
    "meter.at_once": "die Verbindung endete sofort",
    "meter.silent": "{place} hat {what} nicht innerhalb von {seconds} s beantwortet",
    "meter.closed": "{place} hat die Verbindung geschlossen",
    "meter.exception": "{place} hat {what} mit Exception {code} ({name}) beantwortet",
    "meter.ended": "{file} ist zu Ende; setzen Sie meter.replay.loop, um von vorn zu beginnen",
}
