"""How a request fails: a status for programs, a sentence for a person. The errors of the tree become such here."""

from http import HTTPStatus

from shared.config.faults import faults_of
from shared.errors import BusError, ConfigError, Fault, MetergateError, PeerError, RefusedError


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


def signed_out() -> ApiError:
    """Nobody may do this, or he who might may no more."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "sign_in", "sign in first, or send an API token")


def wrong_settings(faults: tuple[Fault, ...]) -> ApiError:
    """These would be wrong settings; `where` is the key of the first mistake."""
    lines = [(f"line {each.line}: " if each.line else "") + (f"{each.key}: " if each.key else "") for each in faults]
    text = "\n".join(place + fault.reason for place, fault in zip(lines, faults, strict=True))
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "settings", text, faults[0].key if faults else "")


def of(error: MetergateError) -> ApiError:
    """The error of an owner, as the caller is told it."""
    match error:
        case ApiError():
            return error
        case ConfigError():
            return wrong_settings(faults_of(error))
        case RefusedError():
            return ApiError(HTTPStatus.CONFLICT, "refused", str(error))
        case PeerError() | BusError():
            return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no_answer", str(error))
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", str(error))
