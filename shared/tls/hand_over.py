"""How a private key gets to the certificate manager: as a file that it takes and removes, never in a message."""

import os
import re
import secrets
from pathlib import Path
from typing import Final

from shared.errors import RefusedError

NAME: Final = re.compile(r"import-[0-9a-f]{32}\.key")
"""Of such a file."""


def hand_over(key: bytes, folder: Path) -> str:
    """Put a private key where the certificate manager takes it from, for nobody else to read; returns the file's name.

    Args:
        key: in PEM.
        folder: of its keys, or the run folder, which is in memory and which every role on this host has.


    Raises:
        RefusedError: the folder cannot be written.
    """
    name = f"import-{secrets.token_hex(16)}.key"
    try:
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if os.geteuid() == 0:
                owner = folder.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(key)
    except OSError as error:
        raise RefusedError(
            f"{folder} cannot be written ({error.strerror}); run this as the user of the certificate manager, and where"
            " its keys are, e.g. `docker compose exec certificate-manager metergate certs own --import ...`"
        ) from error
    return name
