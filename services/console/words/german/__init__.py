"""Code of each reason -> the same in German; the parts are those of the English sentence."""

from collections.abc import Mapping
from typing import Final

from services.console.words.german.access import ACCESS
from services.console.words.german.certificates import CERTIFICATES
from services.console.words.german.meters import METERS
from services.console.words.german.push import PUSH
from services.console.words.german.settings import SETTINGS

GERMAN: Final[Mapping[str, str]] = {**ACCESS, **SETTINGS, **PUSH, **CERTIFICATES, **METERS}
