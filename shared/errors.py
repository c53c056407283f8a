"""Whose fault an error is decides its class; the class decides the exit code.

    MetergateError
    ├── ConfigError      the settings are wrong            exit 78 (EX_CONFIG): restarting cannot help
    ├── UnavailableError what is needed is not there now   exit 75 (EX_TEMPFAIL): it may be once it is tried again
    ├── RefusedError     the caller asked for what we deny exit 1
    │   └── UntrustedError   the other side's certificate is not trusted
    ├── PeerError        the other side of a wire broke its protocol, or is away
    └── BusError         a message on the bus was malformed

Anything else that escapes is a defect of ours.
"""

from typing import NamedTuple

EXIT_DONE = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 75
EXIT_CONFIG = 78


class MetergateError(Exception):
    """Base of all errors that metergate raises on purpose."""

    exit_code = EXIT_REFUSED


class Fault(NamedTuple):
    """One mistake in the settings.

    Attributes:
        line: of the file, from 1; 0 where it has no place there.
        key: as a person writes it, `meter[2].modbus.port`; empty where none is concerned.
        reason: what is wrong, and the cure.
    """

    line: int
    key: str
    reason: str


class ConfigError(MetergateError):
    """The settings cannot be used. The text names file, line, key, reason and cure.

    Attributes:
        faults: the same one by one, where the text of a settings file was read; otherwise empty.
    """

    exit_code = EXIT_CONFIG

    def __init__(self, text: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(text)
        self.faults = faults


class UnavailableError(MetergateError):
    """Something that a role cannot be without, such as its folder, cannot be had now: full, not mounted, in use.

    It may pass by itself, so that it is worth trying again. The text is one sentence with the cure.
    """

    exit_code = EXIT_UNAVAILABLE


class RefusedError(MetergateError):
    """A request is denied; the text says why and what to do instead."""


class UntrustedError(RefusedError):
    """The certificate of somebody that we connect to is not trusted, or not any more; nothing is said to it.

    Attributes:
        fingerprint: of that certificate.
    """

    def __init__(self, reason: str, fingerprint: str = "") -> None:
        super().__init__(reason)
        self.fingerprint = fingerprint


class PeerError(MetergateError):
    """A meter, slave or client broke its protocol, or does not answer."""


class BusError(MetergateError):
    """A message on the bus is malformed, too large, or of an unknown kind."""
