"""The page's own key and certificate for https, in `state_dir/console`: made once, replaced by whoever puts another.

It is not that of Modbus/TCP Security, which every peer has pinned.
"""

import socket
import ssl
import time
from ipaddress import ip_address
from pathlib import Path

from shared.errors import ConfigError, MetergateError, UnavailableError
from shared.tls.keys import Kind, generate, load, store


def https(folder: Path, host: str, names: tuple[str, ...]) -> tuple[ssl.SSLContext, str]:
    """What to speak https with, and the certificate's SHA-256 in hex. Blocks.

    Args:
        folder: of key and certificate.
        host: where the console listens.
        names: own host names of the settings.

    Raises:
        ConfigError: the files are damaged.
        UnavailableError: they cannot be read or written.
    """
    try:
        pair = load(folder, Kind.EC)
        if pair is None:
            pair = generate(Kind.EC, own_names(host, names), time.time())
            store(folder, pair)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(folder / f"{Kind.EC}.pem", folder / f"{Kind.EC}.key")
    except ssl.SSLError as error:
        raise ConfigError(f"console.tls: key and certificate in {folder} cannot be used ({error})") from error
    except OSError as error:
        raise UnavailableError(
            f"gateway.state_dir: {error.filename or folder} cannot be used ({error.strerror}); "
            "give a folder that belongs to the user who runs metergate, or set METERGATE_STATE_DIR"
        ) from error
    except ConfigError:
        raise
    except MetergateError as error:
        raise ConfigError(f"console.names: {error}") from error
    return context, pair.certificate.fingerprint


def own_names(host: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Under what the page may be opened, for its certificate; the first is the subject."""
    machine = socket.gethostname()
    found = [*names, machine, f"{machine.partition('.')[0]}.local", "localhost", "127.0.0.1", "::1"]
    try:
        if not ip_address(host).is_unspecified:
            found.append(host)
    except ValueError:
        found.append(host)
    return tuple(dict.fromkeys(name for name in found if name))
