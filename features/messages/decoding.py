"""Decoding with msgspec: faults are FieldErrors in words, and every text is trimmed and judged by its field's rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, TypeVar

import msgspec

from features.fields import CONTROL, MAX_ID, MAX_NAME, id_fault, name_fault, trimmed, unwritable
from features.messages.field_error import FieldError

# lengths are described here and judged after trimming, by the rules that imports and validation use
Id = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_ID})]
Name = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_NAME})]
S = TypeVar("S", bound=msgspec.Struct)


def decode(body: bytes, kind: type[S], *, noun: str = "the body") -> S:
    """The struct in a JSON text, checked. noun: what the text is, for messages.

    Raises:
        FieldError: `malformed` when it is not JSON, else `invalid` with the field.
    """
    try:
        message: S = _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        sentence, field = _fault(str(error))
        raise FieldError(sentence, field=field) from None
    except RecursionError:
        raise FieldError(f"{noun} is nested too deeply", code="malformed") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FieldError(f"{noun} is not JSON: {error}", code="malformed") from None
    _check_texts(message, "")
    return message


def from_texts(texts: Mapping[str, str], kind: type[S]) -> S:
    """The struct in texts by name, numbers written as text included; names that it does not have are passed over.

    Raises:
        FieldError: `invalid` with the field.
    """
    named = {name: texts[name] for name in kind.__struct_encode_fields__ if name in texts}
    try:
        message: S = msgspec.convert(named, kind, strict=False)
    except msgspec.ValidationError as error:
        sentence, field = _fault(str(error))
        raise FieldError(sentence, field=field) from None
    _check_texts(message, "")
    return message


@cache
def _decoder(kind: type[S]) -> msgspec.json.Decoder[S]:
    return msgspec.json.Decoder(kind)


def lines_fault(text: str) -> str | None:
    """Why a text of several lines cannot be stored; None: it can."""
    return CONTROL if unwritable(text.translate(_LINE_BREAKS)) else None


_LINE_BREAKS = str.maketrans("", "", "\n\r\t")
_where = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_named = re.compile(r"(?:missing required|contains unknown) field `(?P<name>.*?)`")
_RULES: dict[str, Callable[[str], str | None]] = {
    **dict.fromkeys(("user_id", "item_id", "history", "exclude", "event_id", "request_id", "from", "to"), id_fault),
    **dict.fromkeys(("event", "scenario", "category"), name_fault),
    "description": lines_fault,
}


def _fault(sentence: str) -> tuple[str, str | None]:
    """msgspec's sentence as ours, and the field: `Expected `int` <= 500 - at `$.k`` → `k: expected an int <= 500`."""
    match = _where.match(sentence)
    path = (match["path"] or "") if match else ""
    what = match["what"] if match else sentence
    field = path.removeprefix("$").removeprefix(".")
    if named := _named.search(what):
        field = f"{field}.{named['name']}" if field else named["name"]
    what = what.replace("`", "'")
    return (f"{field}: {what[:1].lower()}{what[1:]}" if field else what), field or None


def _check_texts(message: msgspec.Struct, within: str) -> None:
    """Trims every text of a message in place and judges it by the rule for its field."""
    for attribute, name in zip(message.__struct_fields__, message.__struct_encode_fields__, strict=True):
        value, field = getattr(message, attribute), f"{within}{name}"
        if isinstance(value, str):
            setattr(message, attribute, checked_text(value, name, field))
        elif isinstance(value, msgspec.Struct):
            _check_texts(value, f"{field}.")
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                if isinstance(entry, str):
                    value[index] = checked_text(entry, name, f"{field}[{index}]")
                elif isinstance(entry, msgspec.Struct):
                    _check_texts(entry, f"{field}[{index}].")


def checked_text(text: str, name: str, field: str) -> str:
    """A text trimmed. name: the field's own name, which says by which rule it is judged; field: its path in messages.

    Raises:
        FieldError: the rule refuses it.
    """
    text = trimmed(text)
    rule = _RULES.get(name)
    fault = rule(text) if rule else "holds a control character" if unwritable(text) else None
    if fault is not None:
        raise FieldError(f"{field}: {fault}", field=field)
    return text
