"""Tasks over files in the own formats of benchmarks."""

from __future__ import annotations

from typing import Any

from xstilts.spec.task import FormatName, Source, Splits, Task


def task(format_name: FormatName, files: str, file_format: Any = None, **changes: Any) -> Task:
    """A task over files of one of the formats, all in the split `train`."""
    fields: dict[str, Any] = {
        "name": "t",
        "format": format_name,
        "metric": "accuracy",
        "splits": Splits(train="train", test="train"),
        "source": Source(files=(files,), file_format=file_format),
    }
    return Task(**{**fields, **changes})
