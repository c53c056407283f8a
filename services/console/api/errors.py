"""How a request fails: a status for programs, a sentence for a person. The errors of the tree become such here."""

from http import HTTPStatus

from shared.errors import BusError, ConfigError, MetergateError, PeerError, RefusedError


class ApiError(MetergateError):
    """A request is not answered with what it asked for.

    Args:
        status: HTTP status.
        code: for programs.
        text: for a person: what is wrong, and the cure.
        where: key of the request that it is about.
        headers: to send along.
    """

    def __init__(
        self, status: HTTPStatus, code: str, text: str, where: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.where = where
        self.headers = headers or {}


def not_found(text: str, where: str = "") -> ApiError:
    """There is no such thing."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", text, where)


def invalid(text: str, where: str = "") -> ApiError:
    """The request itself is wrong."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", text, where)


def conflict(text: str, where: str = "") -> ApiError:
    """It was right once, but the state is another one meanwhile."""
    return ApiError(HTTPStatus.CONFLICT, "conflict", text, where)


def of(error: MetergateError) -> ApiError:
    """The error of an owner, as the caller is told it."""
    match error:
        case ApiError():
            return error
        case ConfigError():
            return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "settings", str(error))
        case RefusedError():
            return ApiError(HTTPStatus.CONFLICT, "refused", str(error))
        case PeerError() | BusError():
            return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no_answer", str(error))
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", str(error))
