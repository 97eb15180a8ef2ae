"""Rules that types can't express, for mixtures: the name, and rates that fit the members."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping

from xstilts.errors import nearest
from xstilts.spec.names import is_name
from xstilts.spec.sweep import BASELINE, Mixture, Rates
from xstilts.sweep_file.hints import shown
from xstilts.sweep_file.yaml_document import Document, Path, path_text


def mixture(document: Document, item: Mixture, path: Path, tasks: Container[str]) -> None:
    """Checks a mixture at `path`; `tasks` are the names of tasks."""
    where = path_text(path)
    if item.label in tasks or item.label == BASELINE:
        document.complain(
            path, f'{where}: "{item.label}" is the name of a task; give the mixture another `name`'
        )
    elif not is_name(item.label):
        what = f"{where}: its name would be {len(item.label)} characters long"
        document.complain(path, f"{what}; must be at most 64, so give it a `name`")
    if isinstance(item.rates, tuple):
        _listed(document, item.rates, len(item.mixture), (*path, "rates"))
    elif isinstance(item.rates, Rates):
        _fixed(document, item, item.rates.fixed, (*path, "rates", "fixed"))


def _listed(document: Document, rates: tuple[float, ...], members: int, path: Path) -> None:
    """Checks rates in the order of the members."""
    if len(rates) != members:
        must = f"must have {members}, one for each task"
        document.complain(
            path, f"{path_text(path)} has {len(rates)} number{'s' * (len(rates) != 1)}; {must}"
        )
    elif min(rates) <= 0:
        document.complain(
            path, f"{path_text(path)} has {shown(list(rates))}; each must be a number above 0"
        )


def _fixed(document: Document, item: Mixture, fixed: Mapping[str, float], path: Path) -> None:
    """Checks fixed rates of some members; the others share what is left."""
    where = path_text(path)
    for name in sorted(set(fixed) - set(item.mixture)):
        message = f'{where} has "{name}", which is not in the mixture{nearest(name, item.mixture)}'
        document.complain((*path, name), message)
    if not fixed or not set(fixed) <= set(item.mixture):
        return
    total, others = sum(fixed.values()), [name for name in item.mixture if name not in fixed]
    whole = math.isclose(total, 1, abs_tol=1e-6)
    if min(fixed.values()) <= 0:
        document.complain(path, f"{where} has {shown(dict(fixed))}; each must be a share above 0")
    elif others and (whole or total > 1):
        must = f"must be below 1: {', '.join(others)} share the rest"
        document.complain(path, f"{where} has {shown(dict(fixed))}, {total:g} together; {must}")
    elif not others and not whole:
        must = "must be 1 where every member is named"
        document.complain(path, f"{where} has {shown(dict(fixed))}, {total:g} together; {must}")
