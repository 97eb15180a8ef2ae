"""The base of every value in a sweep file, a plan or a record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value: refuses unknown keys, and can't be changed after it is built."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
