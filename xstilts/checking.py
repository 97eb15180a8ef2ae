"""Plain values against the types of a frozen spec: every mistake noted, in the reader's words.

pydantic could validate a whole sweep at once, but its errors name branches of unions and stop at
what it calls types. Here the walk over fields, unions and lists is our own, so that a mistake is said
once, at its line, as *path* is *value*; must be *what its type says*; pydantic still judges each leaf
and each finished value, so there is one truth about what is valid. A value that is wrong becomes
`WRONG` and the walk goes on. Types are strict: text is never a number, `1e3` is a whole number.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from xstilts.task import Frozen
from xstilts.yamlfile import Document, Path, path_text


class Wrong:
    """The type of `WRONG`."""

    def __repr__(self) -> str:
        return "WRONG"


WRONG = Wrong()
"""Stands where a value was wrong and a problem has been noted."""

Hook = Callable[[Document, dict[str, Any], Path], dict[str, Any]]
"""Checks what types can't say of a spec's clean fields; notes problems, returns the fields to build it of."""


def sound(value: Any) -> bool:
    """Whether a clean value has nothing `WRONG` in it."""
    if isinstance(value, dict):
        return all(sound(item) for item in value.values())
    return all(sound(item) for item in value) if isinstance(value, list) else value is not WRONG


def nearest(name: str, valid: Iterable[str]) -> str:
    """`; nearest: a, b, c`, the three valid names most like `name`, or all where they are few."""
    names = sorted(set(valid))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"; nearest: {', '.join(close)}"
    return f"; there are: {', '.join(names)}" if 0 < len(names) <= 15 else ""


def shown(value: Any) -> str:
    """A value as the user wrote it, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


class Checker:
    """Walks values along types. `partial`: nothing is required and specs stay plain mappings."""

    def __init__(self, document: Document, hooks: Mapping[type, Hook], *, partial: bool = False) -> None:
        self.document, self.hooks, self.partial = document, hooks, partial

    def fields(self, spec: type[Frozen], raw: Any, path: Path, *, skip: Iterable[str] = ()) -> dict[str, Any] | Wrong:
        """The fields of `spec` that `raw` gives, each clean or `WRONG`; unknown and missing keys are noted."""
        if not isinstance(raw, dict):
            return self._wrong(path, raw, describe(spec))
        clean: dict[str, Any] = {}
        known = {name: hint_of(spec, name) for name in spec.model_fields if name not in skip}
        for key, value in raw.items():
            if key in known:
                clean[key] = self.value(known[key], value, (*path, key))
            elif key not in skip:
                where = f"{path_text(path)} has no" if path else "no"
                self.document.complain((*path, key), f'{where} key "{key}"{nearest(key, known)}')
        for name, hint in known.items():
            if spec.model_fields[name].is_required() and not self.partial and name not in raw:
                self.document.complain(path, f"{path_text((*path, name))} is missing; must be {describe(hint)}")
                clean[name] = WRONG
        return self.hooks[spec](self.document, clean, path) if spec in self.hooks else clean

    def value(self, hint: Any, raw: Any, path: Path) -> Any:
        """`raw` as `hint` says it must be, or `WRONG`."""
        base, _ = _split(hint)
        origin = get_origin(base)
        if base is Any:
            return raw
        if origin in (Union, UnionType):
            return self._union(base, raw, path)
        if isinstance(base, type) and issubclass(base, Frozen):
            return self._spec(base, raw, path)
        if origin is tuple:
            return self._list(hint, raw, path)
        if origin is dict:
            if not isinstance(raw, dict):
                return self._wrong(path, raw, describe(hint))
            values = {key: self.value(get_args(base)[1], item, (*path, key)) for key, item in raw.items()}
            return values
        clean = scalar(hint, raw)
        return self._wrong(path, raw, describe(hint)) if clean is WRONG else clean

    def _spec(self, spec: type[Frozen], raw: Any, path: Path) -> Any:
        before = len(self.document.problems)
        clean = self.fields(spec, raw, path)
        if isinstance(clean, Wrong) or self.partial:
            return clean
        if len(self.document.problems) > before:
            return WRONG
        return self.build(spec, clean, path)

    def build(self, spec: type[Frozen], clean: dict[str, Any], path: Path) -> Any:
        """The spec made of clean fields; what its own validators object to is noted."""
        try:
            return spec.model_validate(clean)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                at = (*path, *(part for part in one["loc"] if isinstance(part, int) or part in spec.model_fields))
                message = one["msg"].removeprefix("Value error, ")
                self.document.complain(at, f"{path_text(at)}: {message}" if at else message)
            return WRONG

    def _union(self, union: Any, raw: Any, path: Path) -> Any:
        members = [arg for arg in get_args(union) if arg is not NoneType]
        if raw is None and NoneType in get_args(union):
            return None
        fitting = [member for member in members if _kind(member) is _kind_of(raw)]
        if not fitting:
            return self._wrong(path, raw, describe(union))
        if isinstance(raw, dict):
            best = max(fitting, key=lambda member: _shared_keys(member, raw))
            if len(fitting) > 1 and not _shared_keys(best, raw):
                return self._wrong(path, raw, describe(union))
            return self.value(best, raw, path)
        if isinstance(raw, list):
            return self.value(fitting[0], raw, path)
        for member in fitting:
            clean = scalar(member, raw)
            if clean is not WRONG:
                return clean
        return self._wrong(path, raw, describe(union))

    def _list(self, hint: Any, raw: Any, path: Path) -> Any:
        base, meta = _split(hint)
        args = get_args(base)
        open_ended = len(args) == 2 and args[1] is Ellipsis
        least = max((one.min_length for one in meta if isinstance(one, MinLen)), default=0)
        if not isinstance(raw, list) or (not open_ended and len(raw) != len(args)):
            return self._wrong(path, raw, describe(hint))
        if len(raw) < least:
            what = "is empty" if not raw else f"has {len(raw)} item{'s' * (len(raw) > 1)}"
            self.document.complain(path, f"{path_text(path)} {what}; must be {describe(hint)}")
            return WRONG
        hints = [args[0]] * len(raw) if open_ended else args
        return [self.value(one, item, (*path, i)) for i, (one, item) in enumerate(zip(hints, raw, strict=True))]

    def _wrong(self, path: Path, raw: Any, must: str) -> Wrong:
        where = path_text(path) or "the file"
        state = "is empty" if raw is None else f"is {shown(raw)}"
        quote = f'; write "{raw}" in quotes' if must == "text" and isinstance(raw, (int, float)) else ""
        self.document.complain(path, f"{where} {state}; must be {must}{quote}")
        return WRONG


def describe(hint: Any) -> str:
    """What a type wants, in words."""
    base, meta = _split(hint)
    origin, args = get_origin(base), get_args(base)
    if origin in (Union, UnionType):
        return _describe_union([arg for arg in args if arg is not NoneType])
    if origin is Literal:
        return "one of " + ", ".join(str(arg) for arg in args)
    if origin is tuple:
        least = max((one.min_length for one in meta if isinstance(one, MinLen)), default=0)
        if args[1:] != (...,):
            return f"a list of {len(args)}, each {describe(args[0])}"
        return f"a list{f' of {least} or more' if least else ''}, each {describe(args[0])}"
    if origin is dict:
        return "a mapping"
    if isinstance(base, type) and issubclass(base, Frozen):
        names = list(base.model_fields)
        return f"a mapping with {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
    return _describe_leaf(base, meta)


def _describe_union(members: list[Any]) -> str:
    """Scalars first, then what is written as a list or mapping; search spaces together."""
    spaces = [next(iter(m.model_fields)) for m in members if len(getattr(m, "model_fields", ())) == 1]
    others = [m for m in members if len(getattr(m, "model_fields", ())) != 1]
    kinds = list(dict.fromkeys(describe(m) for m in sorted(others, key=lambda m: _kind(m) is not object)))
    if spaces:
        kinds.append(f"a search space ({' or '.join(f'`{{{name}: [...]}}`' for name in spaces)})")
    return ", or ".join(kinds)


def _describe_leaf(base: Any, meta: tuple[Any, ...]) -> str:
    if base is bool:
        return "true or false"
    if base is str:
        most = next((one.max_length for one in meta if isinstance(one, MaxLen)), None)
        return f"a name of at most {most} letters, digits and . _ + -" if most else "text"
    words = {Gt: ("above {}", "gt"), Ge: ("{} or more", "ge"), Lt: ("below {}", "lt"), Le: ("at most {}", "le")}
    bounds = [words[type(one)][0].format(getattr(one, words[type(one)][1])) for one in meta if type(one) in words]
    kind = "a whole number" if base is int else "a number"
    comma = "" if not bounds or bounds[0].startswith(("above", "below")) else ","
    return f"{kind}{comma} {' and '.join(bounds)}" if bounds else kind


def scalar(hint: Any, raw: Any) -> Any:
    """A scalar of exactly this type within its bounds, or `WRONG`."""
    base, meta = _split(hint)
    value = raw
    if base is int and isinstance(raw, float) and raw.is_integer():
        value = int(raw)
    if base is float and isinstance(raw, int) and not isinstance(raw, bool):
        value = float(raw)
    if isinstance(value, float) and not math.isfinite(value):
        return WRONG
    if get_origin(base) is not Literal and type(value) is not base:
        return WRONG
    try:
        return TypeAdapter(Annotated[base, *meta] if meta else base).validate_python(value)
    except ValidationError:
        return WRONG


def hint_of(spec: type[Frozen], field: str) -> Any:
    """The type of a field together with its bounds."""
    info = spec.model_fields[field]
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The bare type and its constraints, `Field(...)` unpacked."""
    if get_origin(hint) is not Annotated:
        return hint, ()
    base, *meta = get_args(hint)
    flat = [part for one in meta for part in (one.metadata if isinstance(one, FieldInfo) else [one])]
    inner, more = _split(base)
    return inner, (*more, *flat)


def _kind(hint: Any) -> type:
    """Whether a type is written as a mapping, a list or a scalar."""
    base, _ = _split(hint)
    if get_origin(base) is dict or (isinstance(base, type) and issubclass(base, Frozen)):
        return dict
    return list if get_origin(base) is tuple else object


def _kind_of(raw: Any) -> type:
    return dict if isinstance(raw, dict) else list if isinstance(raw, list) else object


def _shared_keys(hint: Any, raw: Mapping[str, Any]) -> int:
    base, _ = _split(hint)
    return len(set(getattr(base, "model_fields", raw)) & set(raw))
