"""Meters: why one gives nothing, that it does again, and what is not taken from it."""

from typing import Final

METERS: Final = {
    "meter.lost": "no readings: {why:said}",
    "meter.dropped": "a sample was dropped: {why:said}",
    "meter.often": "{what:said} ({times:number} times by now)",
    "meter.back": "meter {meter}: samples come again after {seconds} s",
    "meter.first": "meter {meter}: first sample after {seconds} s",
    "meter.stale": "its live registers were stale for {seconds} s",
    "meter.uncounted": "energy that the meter does not count itself lacks this time",
    "meter.other_source": (
        "{meter}: measurement still runs by other settings: sample comes from source {source}, settings say {wanted}; "
        "neither shown nor counted. See `metergate ps`"
    ),
    "meter.refused": "refused; does the meter serve Modbus TCP on this port?",
    "meter.unknown_name": "the name is not known; check meter.modbus.host",
    "meter.at_once": "the connection ended at once",
    "meter.silent": "{place} gave no answer within {seconds} s to {what}",
    "meter.closed": "{place} closed the connection",
    "meter.exception": "{place} answered exception {code} ({name}) to {what}",
    "meter.ended": "{file} has ended; set meter.replay.loop to begin again",
}
