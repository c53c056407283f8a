"""Answers as bytes: a struct as JSON, a failure with its words. Never kept by anybody on the way."""

from typing import Any

import msgspec
from starlette.responses import Response

from services.console.api.errors import ApiError
from services.console.api.models.common import Failure, Fault

_encode = msgspec.json.Encoder().encode


def answer(made: Any, status: int = 200) -> Response:
    """A struct as JSON."""
    return Response(_encode(made), status, {"cache-control": "no-store"}, "application/json")


def failure(error: ApiError) -> Response:
    """What went wrong as JSON."""
    response = answer(Failure(error=Fault(code=error.code, text=str(error), where=error.where)), error.status)
    response.headers.update(error.headers)
    return response
