"""The JSON Schema of a sweep file, for editors: that of `Sweep`, changed where a file is written in
another way.
"""

from __future__ import annotations

from typing import Any

from xstilts.spec.sweep import Sweep
from xstilts.sweep_file.any_options import AnyOptions


def schema() -> dict[str, Any]:
    """JSON Schema of a sweep file as it is written."""
    whole = Sweep.model_json_schema()
    task = {key: value for key, value in whole["$defs"]["Task"].items() if key != "required"}
    names = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Names of the tasks that are joined.",
    }
    like = {
        "type": "string",
        "description": "Name of a task; fields that are left out are taken from it.",
    }
    fields = {key: value for key, value in task["properties"].items() if key != "name"}
    task["properties"] = {"like": like, **fields, "parts": names}
    task["description"] = (
        "Fields of a task: some of them under a built-in name, a whole task under a new one."
    )
    whole["$defs"]["Task"] = task
    whole["$defs"]["FormatOptions"] = AnyOptions.model_json_schema()
    whole["properties"]["tasks"] = {
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/Task"},
        "description": "Tasks of your own, and changes to the built-in ones, by name.",
    }
    models = whole["properties"]["models"]
    models["items"] = {"anyOf": [*models["items"]["anyOf"], {"type": "string"}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "xstilts sweep",
    }
