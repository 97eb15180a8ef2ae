"""Checks plain values against the types of a frozen spec and notes every mistake, in the user's
words.

pydantic could validate a whole sweep at once, but its errors name branches of unions and its own
types. So this module walks over fields, unions and lists itself, and reports a mistake once, at its
line, as *path* is *value*; must be *type in words*. pydantic still validates each leaf and each
finished value, so only the specs define what is valid. A wrong value becomes `WRONG` and the walk
goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError

from xstilts.errors import nearest
from xstilts.spec.frozen import Frozen
from xstilts.sweep_file.hints import (
    WRONG,
    Wrong,
    describe,
    hint_of,
    is_spec,
    keys_of,
    kind,
    kind_of,
    least_items,
    members,
    optional,
    scalar,
    split,
    state,
)
from xstilts.sweep_file.yaml_document import Document, Path, path_text, too_large

Hook = Callable[[Document, dict[str, Any], Path], dict[str, Any]]
"""Checks what types can't express about a spec's clean fields; notes problems, and returns the
fields to build the spec from.
"""


def sound(value: Any) -> bool:
    """Whether a clean value contains no `WRONG`."""
    if isinstance(value, dict):
        return all(sound(item) for item in value.values())
    return all(sound(item) for item in value) if isinstance(value, list) else value is not WRONG


class Checker:
    """Walks over values and types. Specs in `partial` may lack any field, and stay mappings."""

    def __init__(
        self, document: Document, hooks: Mapping[type, Hook], *, partial: Collection[type] = ()
    ) -> None:
        self.document, self.hooks, self.partial = document, hooks, partial

    def fields(
        self, spec: type[Frozen], raw: Any, path: Path, *, skip: Collection[str] = ()
    ) -> dict[str, Any] | Wrong:
        """The fields of `spec` in `raw`, each clean or `WRONG`; unknown and missing keys are
        noted.
        """
        if not isinstance(raw, dict):
            return self._wrong(path, raw, describe(spec, skip=skip))
        clean: dict[str, Any] = {}
        known = {name: hint_of(spec, name) for name in spec.model_fields if name not in skip}
        for key, value in raw.items():
            if key in known:
                clean[key] = self.value(known[key], value, (*path, key))
            elif key not in skip:
                where = f"{path_text(path)} has no" if path else "no"
                hint = _elsewhere(key, known) or nearest(key, known)
                self.document.complain((*path, key), f'{where} key "{key}"{hint}')
                clean[key] = WRONG
        for name, hint in known.items():
            if (
                spec.model_fields[name].is_required()
                and spec not in self.partial
                and name not in raw
            ):
                self.document.complain(
                    path, f"{path_text((*path, name))} is missing; must be {describe(hint)}"
                )
                clean[name] = WRONG
        return self.hooks[spec](self.document, clean, path) if spec in self.hooks else clean

    def value(self, hint: Any, raw: Any, path: Path) -> Any:
        """`raw` converted to the type of `hint`, or `WRONG`."""
        base, _ = split(hint)
        origin = get_origin(base)
        if base is Any:
            return raw
        if origin in (Union, UnionType):
            return self._union(hint, raw, path)
        if is_spec(base):
            return self._spec(base, raw, path)
        if origin is tuple:
            return self._list(hint, raw, path)
        if origin is dict:
            if not isinstance(raw, dict):
                return self._wrong(path, raw, describe(hint))
            return {
                key: self.value(get_args(base)[1], item, (*path, key)) for key, item in raw.items()
            }
        clean = scalar(hint, raw)
        return self._wrong(path, raw, describe(hint)) if clean is WRONG else clean

    def build(self, spec: type[Frozen], clean: dict[str, Any], path: Path) -> Any:
        """The spec built from clean fields; what its validators refuse is noted."""
        try:
            return spec.model_validate(clean)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                at = (
                    *path,
                    *(
                        part
                        for part in one["loc"]
                        if isinstance(part, int) or part in spec.model_fields
                    ),
                )
                message = one["msg"].removeprefix("Value error, ")
                self.document.complain(at, f"{path_text(at)}: {message}" if at else message)
            return WRONG

    def _spec(self, spec: type[Frozen], raw: Any, path: Path) -> Any:
        before = len(self.document.problems)
        clean = self.fields(spec, raw, path)
        if isinstance(clean, Wrong) or spec in self.partial:
            return clean
        if len(self.document.problems) > before:
            return WRONG
        return self.build(spec, clean, path)

    def _union(self, hint: Any, raw: Any, path: Path) -> Any:
        if raw is None and optional(hint):
            return None
        fitting = [member for member in members(hint) if kind(member) is kind_of(raw)]
        if not fitting:
            return self._wrong(path, raw, describe(hint))
        if isinstance(raw, dict):
            return self._one_mapping(hint, fitting, raw, path)
        if isinstance(raw, list):
            return self.value(fitting[0], raw, path)
        for member in fitting:
            clean = scalar(member, raw)
            if clean is not WRONG:
                return clean
        return self._wrong(path, raw, describe(hint))

    def _one_mapping(self, hint: Any, fitting: list[Any], raw: dict[str, Any], path: Path) -> Any:
        """A mapping as the member of a union that has its keys."""
        if len(fitting) == 1:
            return self.value(fitting[0], raw, path)
        best = max(fitting, key=lambda member: len(keys_of(member) & set(raw)))
        known = [key for key in raw if any(key in keys_of(member) for member in fitting)]
        if not known:
            return self._wrong(path, raw, describe(hint))
        if not keys_of(best).issuperset(known):
            has = f"{path_text(path)} has {' and '.join(known)} together"
            self.document.complain(path, f"{has}; must be {describe(hint)}")
            return WRONG
        return self.value(best, raw, path)

    def _list(self, hint: Any, raw: Any, path: Path) -> Any:
        base, meta = split(hint)
        args = get_args(base)
        open_ended = len(args) == 2 and args[1] is Ellipsis
        if not isinstance(raw, list) or (not open_ended and len(raw) != len(args)):
            return self._wrong(path, raw, describe(hint))
        if len(raw) < least_items(meta):
            what = "is empty" if not raw else f"has {len(raw)} item{'s' * (len(raw) > 1)}"
            self.document.complain(path, f"{path_text(path)} {what}; must be {describe(hint)}")
            return WRONG
        hints = [args[0]] * len(raw) if open_ended else args
        return [
            self.value(one, item, (*path, i))
            for i, (one, item) in enumerate(zip(hints, raw, strict=True))
        ]

    def _wrong(self, path: Path, raw: Any, must: str) -> Wrong:
        where = path_text(path) or "the file"
        written = str(raw).lower() if isinstance(raw, bool) else str(raw)
        quote = (
            f'; write "{written}" in quotes'
            if must == "text" and isinstance(raw, (int, float))
            else ""
        )
        large = f" ({too_large(raw)})" if must != "text" and too_large(raw) else ""
        self.document.complain(path, f"{where} {state(raw)}; must be {must}{large}{quote}")
        return WRONG


def _elsewhere(key: str, known: Mapping[str, Any]) -> str:
    """`; it stands under options`, where a key belongs one level deeper."""
    homes = [
        name for name, hint in known.items() if any(key in keys_of(one) for one in members(hint))
    ]
    return f"; it stands under {' or '.join(homes)}" if homes else ""


def complain_twice(document: Document, values: Iterable[Any], path: Path) -> None:
    """Notes values that occur more than once in a list."""
    twice = sorted(str(value) for value, times in Counter(values).items() if times > 1)
    if twice:
        document.complain(path, f"{path_text(path)} has {', '.join(twice)} twice; keep one")
