"""Values to text: the templates, and how numbers are written in them.

A missing number is a dash, negative numbers have a true minus sign, and text from a sweep is always
escaped in HTML and in Markdown tables.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.results.figures import style
from xstilts.results.moderated import SEEDS
from xstilts.results.summary import LEVEL
from xstilts.results.unreadable import NOT_READABLE
from xstilts.spec import inert
from xstilts.spec.sweep import BASELINE

if TYPE_CHECKING:
    import pandas as pd


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template of this package filled with `values`. HTML is always escaped, Markdown where the
    template asks for it (`md`).
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "signed": signed,
        "number": number,
        "scored": scored,
        "p": p_value,
        "interval": interval,
        "setting": setting,
        "md": inert.markdown,
        "code": inert.code,
        "ticked": ticked,
        "tint": tint,
    }
    environment.globals |= {"BASELINE": BASELINE, "LEVEL": LEVEL, "NOT_READABLE": NOT_READABLE}
    return environment.get_template(template).render(**values)


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: Any, digits: int = 1) -> str:
    """`71.3`, or a dash for a missing number."""
    return "–" if _absent(value) else f"{value:.{digits}f}".replace("-", "−")


def scored(value: Any, lost: Sequence[int] | None) -> str:
    """`71.3`; with the seeds that can't be read, if there are any: the value lacks them."""
    if not lost:
        return number(value)
    seeds = f"seed {', '.join(map(str, lost))} {NOT_READABLE}"
    return NOT_READABLE if _absent(value) else f"{number(value)} ({seeds})"


def signed(value: Any, digits: int = 1) -> str:
    """`+1.3`, `−0.4`, `0.0`, or a dash for a missing number."""
    return "–" if _absent(value) else style.signed(value, digits)


def interval(row: Any) -> str:
    """`−0.2 to +1.4`, from `low` and `high` of a row or a value, or a dash; one that is not over
    seeds says what it is over.
    """
    low, high, over = (
        row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
        for name in ("low", "high", "interval_over")
    )
    if _absent(low):
        return "–"
    text = f"{signed(low)} to {signed(high)}"
    return text if not over or over == SEEDS else f"{text}, over {over}"


def p_value(value: Any) -> str:
    """`0.034`, `<0.001`, or a dash."""
    return (
        "–"
        if _absent(value)
        else "<0.001"
        if value < 0.001
        else f"{value:.3f}"
        if value < 0.1
        else f"{value:.2f}"
    )


def setting(value: Any) -> str:
    """A hyperparameter as people write it: `5e-05`, `400`, `cosine`."""
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def tint(gain: Any, limit: float) -> str:
    """A CSS background for a gain: blue above 0, red below, the smaller the paler; empty for a
    missing gain.
    """
    if _absent(gain) or limit <= 0:
        return ""
    red, green, blue = (33, 102, 172) if gain > 0 else (178, 24, 43)
    return f"background:rgba({red},{green},{blue},{min(1.0, abs(gain) / limit) * 0.42:.2f})"


def ticked(text: str) -> str:
    """Text for HTML, escaped, with what stands in backticks as code."""
    from markupsafe import Markup, escape

    parts = re.split(r"`([^`]*)`", text)
    shown = (f"<code>{escape(one)}</code>" if n % 2 else escape(one) for n, one in enumerate(parts))
    return Markup("".join(shown))


def _safe(texts: pd.Series) -> pd.Series:
    """A column's cells for CSV. There are few different ones, and they rarely need a change."""
    if all(inert.csv_cell(text) == text for text in texts.dropna().unique()):
        return texts
    return texts.map(inert.csv_cell, na_action="ignore")


def csv(table: pd.DataFrame) -> bytes:
    """A table as CSV in UTF-8, without its index. Text that a spreadsheet would take for a formula
    is marked as text (`inert.csv_cell`).
    """
    texts = table.select_dtypes(exclude=["number", "bool", "boolean"]).columns
    safe = table.assign(**{name: _safe(table[name]) for name in texts})
    return safe.rename(columns=inert.csv_cell).to_csv(index=False).encode()
