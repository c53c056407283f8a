"""What several subjects share: an error, an empty answer, the kinds of short text that requests carry."""

from typing import Annotated

from msgspec import Meta, Struct, field

Fingerprint = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of a certificate, hex, lower case")]
MeterId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="id of a [[meter]] of the settings")]
ShortText = Annotated[str, Meta(max_length=64)]
Instance = Annotated[str, Meta(pattern=r"^[a-z][a-z-]{0,31}(\.[a-z0-9-]{1,20})?$", description="such as plain-slave.2")]


Words = Annotated[str, Meta(extra={"words": True})]
"""A sentence for a person: it comes in the language that the reader asks for."""


class Answer(Struct, frozen=True, kw_only=True):
    """Base of all that is answered."""


class Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all that is asked, as a body or behind the `?`; what is not known here is an error."""


class Fault(Answer, frozen=True, kw_only=True):
    """What went wrong.

    Attributes:
        code: for programs, e.g. `not_allowed`, `refused`, `no_answer`.
        text: one sentence for a person: what is wrong, and the cure.
        where: the key of the request or of the settings that it is about; empty where there is none.
        reason: the sentence as a code, finer than `code`, e.g. `door.too_often`; empty where it has none.
        params: what stands in its places, e.g. `{"seconds": "15"}`.
    """

    code: str
    text: str
    where: str = ""
    reason: str = ""
    params: dict[str, str] = field(default_factory=dict)


class Failure(Answer, frozen=True, kw_only=True):
    """The answer of every request that fails."""

    error: Fault


class Done(Answer, frozen=True, kw_only=True):
    """It was done.

    Attributes:
        text: what was done, in words; may be empty.
    """

    text: Words = ""
