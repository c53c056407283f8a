"""What every part of the model is made of: the table, and the kinds of value that several have."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
"""Ids go into topics, file names and metrics: lower case letters, digits, `_` and `-`, at most 32."""
UnitId = Annotated[int, Meta(ge=0, le=255)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Host = Annotated[str, Meta(min_length=1, max_length=253)]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
RoleName = Literal[
    "measurement", "register-store", "plain-slave", "tls-slave", "master-pusher", "certificate-manager", "console"
]
Register = Annotated[int, Meta(ge=0, le=65535)]
Label = Annotated[str, Meta(max_length=64)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML table."""
