"""Code of each reason -> its sentence, as metergate says it. `{name}` is a part of it.

`{name:said}` is a part that is itself a reason, `{name:number}` one of digits. These are the sentences of the code that
says them, word for word; a test holds each against it.
"""

from collections.abc import Mapping
from typing import Final

from services.console.words.english.access import ACCESS
from services.console.words.english.certificates import CERTIFICATES
from services.console.words.english.meters import METERS
from services.console.words.english.push import PUSH
from services.console.words.english.settings import SETTINGS

ENGLISH: Final[Mapping[str, str]] = {**ACCESS, **SETTINGS, **PUSH, **CERTIFICATES, **METERS}
