"""The settings file as text and as a form."""

from typing import Annotated, Any, Final

from msgspec import Meta, field

from services.console.api.models.common import Answer, Ask, Words

LONGEST_TEXT: Final = 60_000
"""Characters, so that it fits into a message in any case; the file itself may be longer, for who edits it by hand."""
Revision = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's content, hex")]
Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]


class Key(Answer, frozen=True, kw_only=True):
    """One key of the model, for the form.

    Attributes:
        name: as in the file.
        words: what it is for.
        kind: `bool`, `int`, `float`, `text`, `choice`, `list`, `path`, `table` or `tables` (a list of tables).
        wants: what it takes, in words: "a whole number from 1 to 65535".
        default: absent (null) where there is none.
        required: it has to be given.
        choices: of a `choice`, or of the items of a `list`.
        items: kind of the items of a `list`; such as `list` for one of pairs.
        minimum, maximum: of a number, or of the items of a list, inclusive; null for none.
        above: lower bound of a number, exclusive; null for none.
        longest: characters of a text; null for no bound.
        pattern: regular expression of a text; empty for none.
        keys: of a `table` or of each of `tables`.
    """

    name: str
    words: str
    kind: str
    wants: Words = ""
    default: Any = None
    required: bool = False
    choices: tuple[str | int, ...] = ()
    items: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    longest: int | None = None
    pattern: str = ""
    keys: tuple["Key", ...] = ()


class Value(Answer, frozen=True, kw_only=True):
    """One setting in force.

    Attributes:
        key: dotted, as in errors and PATCH: `slave.port`, `meter[2].modbus.host`.
        value: in force; null where there is none.
        line: of the file where it is set; 0 for a default.
        origin: in words: `line 3`, `default`, `not set`, or a variable of the environment.
    """

    key: str
    value: Any
    line: int
    origin: str


class Settings(Answer, frozen=True, kw_only=True):
    """GET /settings.

    Attributes:
        path: of the file.
        text: of the file as it is.
        revision: of this text; goes back with a change, so that nobody's is lost.
        writable: whether the console may write it; in containers it may be mounted read-only.
        values: every key in force, in the model's order; where the file is wrong, as it has them; empty where it is no
            TOML.
        keys: the model, for the form: top level tables.
        error: what is wrong with the file, so that other settings than its are in force; empty while it is right.
        pending: what needs a restart of the supervisor itself.
        warnings: what the file may say, and its owner should know all the same; empty where it is wrong.
    """

    path: str
    text: str
    revision: str
    writable: bool
    values: tuple[Value, ...]
    keys: tuple[Key, ...]
    error: Words = ""
    pending: Words = ""
    warnings: tuple["Mistake", ...] = ()


Changes = Annotated[dict[Annotated[str, Meta(max_length=200)], Any], Meta(max_length=200)]


class Draft(Ask, frozen=True, kw_only=True):
    """POST /settings/check: is this text right, and what would it do? Nothing is written.

    Attributes:
        text: to look at.
        set: changes to make in it first, one after the other: dotted key -> value. null takes a key out; `list[n]` with
            null takes a table out, `list[n].key` with one more than there are begins another.
    """

    text: Text
    set: Changes = field(default_factory=dict)


class Mistake(Answer, frozen=True, kw_only=True):
    """A mistake of the text, or what is none and should be known all the same.

    Attributes:
        line: from 1; 0 where it is about no line.
        key: dotted; empty where it is about none.
        text: what is wrong and right, in words.
    """

    line: int
    key: str
    text: Words


class Checked(Answer, frozen=True, kw_only=True):
    """The answer.

    Attributes:
        errors: none: the text may be applied.
        diff: unified, against the file as it is; empty where nothing changes.
        restarts: roles that would start again.
        notes: what else would follow, in words: a new start of metergate, the end of the page.
        revision: of the file as it is.
        text: that was checked: with `set` in it.
        values: every key as that text means it; where it is wrong, as it has it; empty where it is no TOML.
        warnings: what it may say, and its owner should know all the same: nothing is refused for it; empty where there
            are errors.
    """

    errors: tuple[Mistake, ...]
    diff: str
    restarts: tuple[str, ...] = ()
    notes: tuple[Words, ...] = ()
    revision: str = ""
    text: str = ""
    values: tuple[Value, ...] = ()
    warnings: tuple[Mistake, ...] = ()


class Apply(Ask, frozen=True, kw_only=True):
    """PUT /settings: put this text in the place of the file. The answer is Applied.

    Attributes:
        text: whole.
        revision: of the file that it was made from; another one is refused with 409.
    """

    text: Text
    revision: Revision


class Change(Ask, frozen=True, kw_only=True):
    """PATCH /settings: set some keys; comments stay. The answer is Applied.

    Attributes:
        set: as in Draft.
        revision: as in Apply; absent: whatever it is now.
    """

    set: Changes
    revision: Revision | None = None
