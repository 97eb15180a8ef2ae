"""Types as the writer of a sweep file sees them: how their values are written, and their names in
words.

A *hint* is the type of a field with its bounds (`Annotated[int, Ge(1)]`). The bounds of a union
(`int | None`, 1 or more) apply to its scalar members.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from xstilts.spec.format_specs.options import FormatOptions
from xstilts.spec.frozen import Frozen
from xstilts.sweep_file.any_options import AnyOptions


class Wrong:
    """The type of `WRONG`."""

    def __repr__(self) -> str:
        return "WRONG"


WRONG = Wrong()
"""Replaces a value that was wrong; the problem has been noted."""


# -- taking a type apart


def hint_of(spec: type[Frozen], field: str) -> Any:
    """The type of a field with its bounds; for a task's options, `AnyOptions`."""
    info = spec.model_fields[field]
    if info.annotation is FormatOptions:
        return AnyOptions
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


def split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The bare type and its bounds, `Field(...)` unpacked."""
    if get_origin(hint) is not Annotated:
        return hint, ()
    base, *meta = get_args(hint)
    flat = [
        part for one in meta for part in (one.metadata if isinstance(one, FieldInfo) else [one])
    ]
    inner, more = split(base)
    return inner, (*more, *flat)


def members(hint: Any) -> list[Any]:
    """The members of a union without None, scalars with the union's bounds; for any other type, the
    type itself.
    """
    base, meta = split(hint)
    if get_origin(base) not in (Union, UnionType):
        return [hint]
    found = [arg for arg in get_args(base) if arg is not NoneType]
    return [Annotated[one, *meta] if meta and kind(one) is object else one for one in found]


def optional(hint: Any) -> bool:
    """Whether None is valid."""
    return NoneType in get_args(split(hint)[0])


def kind(hint: Any) -> type:
    """Whether a type is written as a mapping, a list or a scalar (`object`)."""
    base, _ = split(hint)
    if get_origin(base) is dict or is_spec(base):
        return dict
    return list if get_origin(base) is tuple else object


def kind_of(raw: Any) -> type:
    """Whether a value is a mapping, a list or a scalar."""
    return dict if isinstance(raw, dict) else list if isinstance(raw, list) else object


def is_spec(base: Any) -> bool:
    """Whether a bare type is a frozen spec."""
    return isinstance(base, type) and issubclass(base, Frozen)


def keys_of(hint: Any) -> set[str]:
    """The keys that a spec knows."""
    return set(getattr(split(hint)[0], "model_fields", ()))


def least_items(meta: tuple[Any, ...]) -> int:
    """The fewest items that a list must have."""
    return max((one.min_length for one in meta if isinstance(one, MinLen)), default=0)


def scalar(hint: Any, raw: Any) -> Any:
    """A scalar of exactly this type within its bounds, or `WRONG`. `1e3` is a whole number; text is
    never a number; a number is text only where the type says how (`ColumnName`).
    """
    base, meta = split(hint)
    value = raw
    if base is int and isinstance(raw, float) and raw.is_integer():
        value = int(raw)
    if base is float and isinstance(raw, int) and not isinstance(raw, bool):
        value = float(raw)
    if isinstance(value, float) and not math.isfinite(value):
        return WRONG
    converted = any(isinstance(one, BeforeValidator) for one in meta)
    if get_origin(base) is not Literal and type(value) is not base and not converted:
        return WRONG
    try:
        return TypeAdapter(Annotated[base, *meta] if meta else base).validate_python(value)
    except ValidationError:
        return WRONG


# -- in words


def shown(value: Any) -> str:
    """A value as the user wrote it, at most 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def state(value: Any) -> str:
    """`is 3`, or `is empty`."""
    return "is empty" if value is None else f"is {shown(value)}"


def describe(hint: Any, *, skip: Iterable[str] = ()) -> str:
    """A type in words, after "must be"; a spec without the keys in `skip`."""
    base, meta = split(hint)
    origin, args = get_origin(base), get_args(base)
    if origin in (Union, UnionType):
        return _describe_union(members(hint))
    if origin is Literal:
        return str(args[0]) if len(args) == 1 else "one of " + ", ".join(str(arg) for arg in args)
    if origin is tuple:
        least = least_items(meta)
        if args[1:] != (...,):
            return f"a list of {len(args)}, each {describe(args[0])}"
        return f"a list{f' of {least} or more' if least else ''}, each {describe(args[0])}"
    if origin is dict:
        return "a mapping" if args[1] is Any else f"a mapping, each value {describe(args[1])}"
    if is_spec(base):
        names = [name for name in base.model_fields if name not in skip]
        return f"a mapping with {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
    return _describe_leaf(base, meta)


def _describe_union(of: list[Any]) -> str:
    """Scalars first, then lists and mappings, then all search spaces together."""
    spaces = [next(iter(keys_of(m))) for m in of if len(keys_of(m)) == 1]
    others = [m for m in of if len(keys_of(m)) != 1]
    kinds = list(
        dict.fromkeys(describe(m) for m in sorted(others, key=lambda m: kind(m) is not object))
    )
    if spaces:
        kinds.append(f"a search space ({' or '.join(f'`{{{name}: [...]}}`' for name in spaces)})")
    return ", or ".join(kinds)


def _describe_leaf(base: Any, meta: tuple[Any, ...]) -> str:
    if base is bool:
        return "true or false"
    if base is str:
        most = next((one.max_length for one in meta if isinstance(one, MaxLen)), None)
        return f"a name of at most {most} letters, digits and . _ + -" if most else "text"
    words = {
        Gt: ("above {}", "gt"),
        Ge: ("{} or more", "ge"),
        Lt: ("below {}", "lt"),
        Le: ("at most {}", "le"),
    }
    bounds = [
        words[type(one)][0].format(getattr(one, words[type(one)][1]))
        for one in meta
        if type(one) in words
    ]
    noun = "a whole number" if base is int else "a number"
    comma = "" if not bounds or bounds[0].startswith(("above", "below")) else ","
    return f"{noun}{comma} {' and '.join(bounds)}" if bounds else noun
