"""Routes: the settings file, as text and as a form."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from services.console.api.models.events import SettingsState
from services.console.api.models.push import Applied
from services.console.api.models.settings import LONGEST_TEXT, Apply, Change, Checked, Draft, Key, Settings
from services.console.api.route import Call, Route
from services.console.security.pace import DEAR
from services.console.settings_file import advised
from services.console.words.language import Language
from shared.config.schema import schema

if TYPE_CHECKING:
    from services.console.api.desk import Desk

LARGEST: Final = 6 * LONGEST_TEXT + 64 * 1024
"""Bytes of a body: JSON may write a character in six."""


def state(desk: "Desk") -> SettingsState:
    """How the file stands, for the stream."""
    said = desk.hear.town.speaking().values()
    file = desk.settings_file
    return SettingsState(
        revision=file.revision,
        error=file.error or next((each.config_error for each in said if each.config_error), ""),
        pending=next((each.config_pending for each in said if each.config_pending), ""),
    )


async def settings(call: Call) -> Settings:
    """GET /settings."""
    file = call.desk.settings_file
    file.look()
    now = state(call.desk)
    return Settings(
        path=str(file.path),
        text=file.text,
        revision=file.revision,
        writable=file.writable,
        values=file.values(file.text),
        keys=_keys(call.language),
        error=now.error,
        pending=now.pending,
        warnings=advised(file.text, file.config),
    )


@cache
def _keys(language: Language) -> tuple[Key, ...]:
    """The model in that language; what `wants` says is put into it with the answer."""
    keys = msgspec.convert(schema(), tuple[Key, ...], from_attributes=True)
    if language == "en":
        return keys
    from services.console.words.german.keys import KEYS  # noqa: PLC0415  # where somebody reads it

    return tuple(_worded(key, KEYS) for key in keys)


def _worded(key: Key, words: Mapping[str, str], above: str = "") -> Key:
    name = f"{above}{key.name}"
    inside = tuple(_worded(each, words, f"{name}.") for each in key.keys)
    return msgspec.structs.replace(key, words=words.get(name, key.words), keys=inside)


async def check(call: Call) -> Checked:
    """POST /settings/check."""
    draft: Draft = call.body
    return await call.desk.settings_file.check(draft.text, draft.set)


async def apply(call: Call) -> Applied:
    """PUT /settings."""
    body: Apply = call.body
    return await call.desk.settings_file.put(call.caller, body.text, body.revision)


async def change(call: Call) -> Applied:
    """PATCH /settings."""
    body: Change = call.body
    return await call.desk.settings_file.patch(call.caller, body.set, body.revision)


ROUTES = (
    Route(
        method="GET",
        path="/settings",
        handler=settings,
        answer=Settings,
        scope="read",
        summary="The settings file as text and as a form",
    ),
    Route(
        method="POST",
        path="/settings/check",
        cost=DEAR,
        handler=check,
        body=Draft,
        answer=Checked,
        scope="read",
        summary="What is wrong with a text, and what it would do",
        largest=LARGEST,
    ),
    Route(
        method="PUT",
        path="/settings",
        handler=apply,
        body=Apply,
        answer=Applied,
        scope="admin",
        summary="Put a text in the place of the settings file",
        largest=LARGEST,
    ),
    Route(
        method="PATCH",
        path="/settings",
        handler=change,
        body=Change,
        answer=Applied,
        scope="admin",
        summary="Set some keys of the settings file",
        largest=LARGEST,
    ),
)
