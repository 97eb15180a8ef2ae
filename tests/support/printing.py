"""What a function of the command line prints where there is no terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console


def shown(function: Any, *values: Any) -> str:
    """What `function` prints where there is no terminal."""
    out = io.StringIO()
    function(Console(file=out, width=80), *values)
    assert "\x1b" not in out.getvalue()
    return out.getvalue()
