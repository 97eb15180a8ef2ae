"""A sweep file that is right, and what is wrong with one that is not."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from xstilts.errors import SweepError
from xstilts.sweep_file import loads

GOOD = """\
name: good
models: [local/mini-xlmr]
intermediates: [none, squad]
targets: [xquad, tatoeba]
target:
  lr: 2e-5
  steps: 100
"""


def problems(text: str, **given: Any) -> list[tuple[int | None, str]]:
    """`(line, message)` of all that is wrong with a sweep."""
    with pytest.raises(SweepError) as caught:
        loads(textwrap.dedent(text), file="s.yaml", **given)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def only(text: str, **given: Any) -> tuple[int | None, str]:
    """The one thing that is wrong."""
    (problem,) = problems(text, **given)
    return problem
