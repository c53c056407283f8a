"""Answers as bytes: a struct as JSON, a failure with its words. Never kept by anybody on the way."""

import msgspec
from starlette.responses import Response

from services.console.api.errors import ApiError
from services.console.api.models.common import Failure, Fault
from services.console.words.language import Language
from services.console.words.say import english, german
from services.console.words.translate import in_language

_encode = msgspec.json.Encoder().encode


def answer(made: msgspec.Struct, status: int = 200, language: Language = "en") -> Response:
    """A struct as JSON."""
    headers = {"cache-control": "no-store", "content-language": language}
    return Response(_encode(in_language(made, language)), status, headers, "application/json")


def failure(error: ApiError, language: Language = "en") -> Response:
    """What went wrong as JSON."""
    text = str(error)
    reason = english().recognise(text)
    fault = Fault(
        code=error.code,
        text=text if language == "en" else german().say(text),
        where=error.where,
        reason=reason.code if reason else "",
        params=reason.params if reason else {},
    )
    response = answer(Failure(error=fault), error.status, language)
    response.headers.update(error.headers)
    return response
