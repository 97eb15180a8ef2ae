"""Columns of any Arrow type as columns of the few types that the rest of xstilts knows.

Text of every kind, and bytes that are UTF-8 -> string. Whole numbers -> int64; other numbers ->
float64, where NaN, as pandas writes it, is a missing value and infinity an error. Categories
(dictionaries) -> their values. Dates and times -> text, as `2020-01-02`. Lists of every kind ->
list, structs -> struct, with the same inside. A type without values (null) stays as it is until
the files of a split are joined (`joined`): whatever has values decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xstilts.errors import DataError, first_line


def plain(column: Any, name: str, at: str) -> Any:
    """A column as a chunked array of plain type; `at` is its file, for messages.

    Raises DataError for a type that no role can be made of, and for a value that does not fit, with
    its row.
    """
    import pyarrow as pa

    whole = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    try:
        parts = [_plain(chunk) for chunk in whole.chunks]
        return pa.chunked_array(parts or [_plain(pa.array([], whole.type))])
    except (pa.ArrowException, ValueError, TypeError) as error:
        row, reason = _culprit(whole, error)
        raise DataError(f"{at}: column `{name}`, {row}holds {whole.type}: {reason}") from error


def _culprit(column: Any, error: Exception) -> tuple[str, str]:
    """The first row whose value alone can't be converted, and why."""
    rows = (chunk.slice(row, 1) for chunk in column.chunks for row in range(len(chunk)))
    for number, one in enumerate(rows, start=1):
        try:
            _plain(one)
        except Exception as alone:
            return f"row {number}, ", _reason(alone)
    return "", _reason(error)


def _reason(error: Exception) -> str:
    said = first_line(error, 160)
    if "UTF8" in said or "UTF-8" in said or isinstance(error, UnicodeError):
        return "a value is not UTF-8 text; write text"
    if "not in range" in said or "out of bounds" in said:
        return "a number does not fit into 64 bits; write it as text"
    return said


def _plain(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _plain(array.storage)
    if pa.types.is_dictionary(kind):
        return _plain(array.dictionary_decode())
    for known, convert in _scalars():
        if known(kind):
            return convert(array)
    if any(known(kind) for known in _list_kinds()):
        values = _plain(pc.list_flatten(array))
        return with_lengths(values, pc.list_value_length(array))
    if pa.types.is_struct(kind) and kind.num_fields:
        fields = [_plain(one) for one in array.flatten()]
        names = [field.name for field in kind]
        return pa.StructArray.from_arrays(fields, names=names, mask=array.is_null())
    if pa.types.is_struct(kind) or pa.types.is_null(kind):
        return array
    raise ValueError("no role can be made of it; write text, numbers, lists or structs")


def with_lengths(values: Any, lengths: Any) -> Any:
    """Lists over `values`, of these lengths; null where the length is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sizes = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    offsets = pa.array([0, *sizes.cumsum().tolist()], pa.int32())
    return pa.ListArray.from_arrays(offsets, values, mask=lengths.is_null())


def _scalars() -> list[tuple[Callable[[Any], bool], Callable[[Any], Any]]]:
    import pyarrow as pa

    is_, text, whole = pa.types, _cast(pa.string()), _cast(pa.int64())
    return [
        (is_.is_string, _valid),
        (is_.is_boolean, lambda array: array),
        (is_.is_integer, whole),
        (is_.is_floating, _finite),
        (lambda kind: is_.is_decimal(kind) and kind.scale <= 0, whole),
        (is_.is_decimal, _cast(pa.float64())),
        (lambda kind: is_.is_large_string(kind) or is_.is_string_view(kind), text),
        (lambda kind: is_.is_binary(kind) or is_.is_large_binary(kind), text),
        (lambda kind: is_.is_binary_view(kind) or is_.is_fixed_size_binary(kind), text),
        (lambda kind: is_.is_date(kind) or is_.is_time(kind) or is_.is_timestamp(kind), text),
    ]


def _cast(kind: Any) -> Callable[[Any], Any]:
    return lambda array: array.cast(kind)


def _valid(array: Any) -> Any:
    """Texts, which a file may hold without their being UTF-8."""
    array.validate(full=True)
    return array


def _finite(array: Any) -> Any:
    """Numbers as float64, NaN as null; ValueError for infinity."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = array.cast(pa.float64())
    if pc.any(pc.is_inf(numbers)).as_py():
        raise ValueError("a number is infinite; write a number, or null where there is none")
    return pc.if_else(pc.is_nan(numbers), None, numbers)


def _list_kinds() -> tuple[Callable[[Any], bool], ...]:
    import pyarrow as pa

    is_ = pa.types
    return (
        is_.is_list,
        is_.is_large_list,
        is_.is_fixed_size_list,
        is_.is_list_view,
        is_.is_large_list_view,
    )


# -- the files of a split


def joined(tables: list[tuple[str, Any]]) -> Any:
    """The rows of `(file, table of plain columns)`, one file after the other.

    A column that a file lacks is null there. Whole and other numbers are numbers; a struct has the
    fields of all. DataError where types differ otherwise, with both files.
    """
    import pyarrow as pa

    names = list(dict.fromkeys(name for _, table in tables for name in table.column_names))
    kinds = {name: _kind(name, tables) for name in names}
    schema = pa.schema(kinds)
    parts = []
    for at, table in tables:
        columns = [
            _as(table[name], kind, name, at)
            if name in table.column_names
            else pa.nulls(table.num_rows, kind)
            for name, kind in kinds.items()
        ]
        parts.append(pa.table(columns, schema=schema))
    return pa.concat_tables(parts)


def _kind(name: str, tables: list[tuple[str, Any]]) -> Any:
    """The type of a column over all files."""
    import pyarrow as pa

    found, first = pa.null(), ""
    for at, table in tables:
        if name not in table.column_names:
            continue
        kind = table.schema.field(name).type
        both = _common(found, kind)
        if both is None:
            raise DataError(
                f"column `{name}` is {found} in {first} and {kind} in {at}; write it with one type "
                "in all files of a split"
            )
        first = first if first and both == found else at
        found = both
    return _without_null(found)


def _common(one: Any, other: Any) -> Any:
    """The type that holds values of both; None if there is none."""
    import pyarrow as pa

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pa.types.is_list(one) and pa.types.is_list(other):
        inside = _common(one.value_type, other.value_type)
        return None if inside is None else pa.list_(inside)
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        fields = {
            name: _common(_field(one, name), _field(other, name))
            for name in dict.fromkeys(field.name for field in (*one, *other))
        }
        return None if None in fields.values() else pa.struct(list(fields.items()))
    return None


def _field(kind: Any, name: str) -> Any:
    import pyarrow as pa

    return next((field.type for field in kind if field.name == name), pa.null())


def _without_null(kind: Any) -> Any:
    """The type with string where nothing is known."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_without_null(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _without_null(field.type)) for field in kind])
    return kind


def _as(column: Any, kind: Any, name: str, at: str) -> Any:
    """A column in the type that `_kind` found for it."""
    import pyarrow as pa

    try:
        return pa.chunked_array([_widened(chunk, kind) for chunk in column.chunks], kind)
    except pa.ArrowException as error:
        raise DataError(f"{at}: column `{name}`: {first_line(error, 160)}") from error


def _widened(array: Any, kind: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if array.type == kind:
        return array
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), kind)
    if pa.types.is_list(kind):
        values = _widened(pc.list_flatten(array), kind.value_type)
        return with_lengths(values, pc.list_value_length(array))
    if pa.types.is_struct(kind):
        own = dict(zip([field.name for field in array.type], array.flatten(), strict=True))
        fields = [_widened(own.get(field.name, pa.nulls(len(array))), field.type) for field in kind]
        names = [field.name for field in kind]
        return pa.StructArray.from_arrays(fields, names=names, mask=array.is_null())
    return array.cast(kind)
