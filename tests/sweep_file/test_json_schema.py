"""The JSON Schema of a sweep file, for editors."""

from __future__ import annotations

import json

import pytest

from xstilts.sweep_file import schema
from xstilts.sweep_file.any_options import AnyOptions


def test_schema_documents_every_option_with_the_formats_that_read_it() -> None:
    options = schema()["$defs"]["FormatOptions"]["properties"]
    assert set(options) == set(AnyOptions.model_fields)
    assert options["neighbours"]["description"].startswith("retrieval, mining: k of the margin")
    assert options["n_best"]["minimum"] == 1 and options["n_best"]["default"] == 20


def test_schema_describes_tasks_as_a_file_writes_them() -> None:
    described = schema()
    json.dumps(described)
    assert described["properties"]["tasks"]["type"] == "object"
    assert "name" not in described["$defs"]["Task"]["properties"]
    assert "required" not in described["$defs"]["Task"]
    assert set(described["required"]) == {"name", "models", "intermediates", "targets"}
    assert described["additionalProperties"] is False
    assert "lr" in described["$defs"]["Settings"]["properties"]


def test_schema_accepts_the_good_file_and_refuses_an_unknown_key() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    data = {
        "name": "x",
        "models": ["a"],
        "intermediates": ["none"],
        "targets": ["xquad"],
        "tasks": {"xquad": {}},
    }
    jsonschema.validate(data, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "modls": []}, schema())
