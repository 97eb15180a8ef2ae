"""The options of all formats together, as a sweep file is read.

Which options a task can set depends on its format, which may come below its options in the file, or
from another task. So options are read as one spec, `AnyOptions`, with the fields of every format;
when the format is known, `task_rules` refuses the options of other formats.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from xstilts.spec.format_specs import FORMATS
from xstilts.spec.frozen import Frozen


def _field(name: str) -> tuple[Any, FieldInfo]:
    """Type and field of an option; the description begins with the formats that read it."""
    readers = [spec for spec in FORMATS.values() if name in spec.options.model_fields]
    info = readers[0].options.model_fields[name]
    hint = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    text = f"{', '.join(spec.name for spec in readers)}: {info.description}"
    return hint, Field(default=info.default, description=text)


OPTION_NAMES = tuple(
    dict.fromkeys(name for spec in FORMATS.values() for name in spec.options.model_fields)
)
"""Every option of every format."""
_FIELDS: dict[str, Any] = {name: _field(name) for name in OPTION_NAMES}
AnyOptions: type[Frozen] = create_model(
    "AnyOptions",
    __base__=Frozen,
    __doc__="Options that only tasks of some formats have.",
    **_FIELDS,
)
