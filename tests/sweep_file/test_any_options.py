"""Options as a sweep file may give them: those of all formats together."""

from __future__ import annotations

from xstilts.spec.format_specs import FORMATS
from xstilts.sweep_file.any_options import AnyOptions
from xstilts.tasks import TASKS


def test_options_that_a_file_may_have_are_those_of_all_formats() -> None:
    every = {name for spec in FORMATS.values() for name in spec.options.model_fields}
    assert every == set(AnyOptions.model_fields)
    for task in TASKS.values():
        assert type(task.options) is task.spec.options, task.name
