"""Label names that `datasets` writes into a Parquet file, put in the place of their ids.

The file's schema carries the features of its columns: a label is `{names, _type: ClassLabel}`, and
may lie in lists, written `[feature]` or `{feature, _type: List}`, and in structs. Names are put in
file by file, because files of one split may number them differently. An id of -1, a hidden label,
becomes null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xstilts.data.reading.plain import with_lengths
from xstilts.errors import DataError

_LISTS = ("Sequence", "List", "LargeList")


def features_of(metadata: Mapping[bytes, bytes] | None, path: Path) -> dict[str, Any]:
    """Column to the feature that the schema states; DataError if that can't be read."""
    text = (metadata or {}).get(b"huggingface")
    if text is None:
        return {}
    try:
        stated = json.loads(text)["info"]["features"] or {}
    except KeyError:
        return {}
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: what `datasets` wrote into its schema can't be read ({error!r}), and label "
            "names stand there; write it again"
        ) from error
    return stated if isinstance(stated, dict) else {}


class _WrongId(ValueError):
    """An id without a name."""


def named(column: Any, feature: Any, name: str, at: str) -> tuple[Any, dict[str, tuple[str, ...]]]:
    """A plain column with names in place of ids; and the names stated, under `name`, or, in a
    struct, under `name.field`.

    DataError, with the row, for an id that has no name or a label that is missing.
    """
    import pyarrow as pa

    stated: dict[str, tuple[str, ...]] = {}
    try:
        parts = [_named(chunk, feature, name, stated) for chunk in column.chunks]
        return pa.chunked_array(parts) if stated else column, stated
    except _WrongId as error:
        rows = (chunk.slice(row, 1) for chunk in column.chunks for row in range(len(chunk)))
        wrong = next(n for n, one in enumerate(rows, start=1) if not _has_names(one, feature, name))
        raise DataError(f"{at}: column `{name}`, row {wrong}: {error}") from error


def _has_names(array: Any, feature: Any, name: str) -> bool:
    try:
        _named(array, feature, name, {})
    except _WrongId:
        return False
    return True


def _named(array: Any, feature: Any, name: str, stated: dict[str, tuple[str, ...]]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(feature, list) and len(feature) == 1:
        feature = {"feature": feature[0], "_type": "List"}
    if not isinstance(feature, dict):
        return array
    kind, names = feature.get("_type"), feature.get("names")
    if kind == "ClassLabel" and isinstance(names, list) and pa.types.is_int64(array.type):
        stated[name] = tuple(map(str, names))
        return _names_of(array, stated[name])
    if kind in _LISTS and pa.types.is_list(array.type):
        values = _named(pc.list_flatten(array), feature.get("feature"), name, stated)
        return with_lengths(values, pc.list_value_length(array))
    if kind in _LISTS:  # a sequence of structs is stored as a struct of sequences
        inner = feature.get("feature")
        feature = {key: [one] for key, one in inner.items()} if isinstance(inner, dict) else {}
    if pa.types.is_struct(array.type) and array.type.num_fields:
        held = array.filter(array.is_valid())  # a struct that is missing has no label to miss
        fields = [
            _named(values, feature.get(field.name), f"{name}.{field.name}", stated)
            for field, values in zip(array.type, held.flatten(), strict=True)
        ]
        places = pc.subtract(pc.cumulative_sum(array.is_valid().cast(pa.int64())), 1)
        fields = [values.take(pc.if_else(array.is_valid(), places, None)) for values in fields]
        names = [field.name for field in array.type]
        return pa.StructArray.from_arrays(fields, names=names, mask=array.is_null())
    return array


def _names_of(ids: Any, names: tuple[str, ...]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    beyond = pc.or_(pc.less(ids, -1), pc.greater_equal(ids, len(names)))
    if pc.any(beyond).as_py():
        wrong = ids.filter(beyond)[0].as_py()
        raise _WrongId(f"has the id {wrong}, and the file names only 0 to {len(names) - 1}")
    if ids.null_count:
        raise _WrongId("has no label; a hidden one is -1")
    return pa.array(names, pa.string()).take(pc.if_else(pc.equal(ids, -1), None, ids))
