"""The report: what helped what, by how much and how surely, as Markdown, one HTML file and tables.

`write` reads the ledger and the records, takes the numbers from `scores` and `statistics` and their
wording from `summary`, and renders the two templates with the same values. The HTML file is
complete by itself: pictures are inlined. Everything it shows is also in `scores.parquet` and
`gains.csv` beside it; `analysis/gains.py` draws the main figures from `scores.parquet` alone.

    report.html  report.md  heatmap.png  figures/*.png  scores.parquet  scores.csv  gains.csv
    arms.csv, where a sweep has arms of one task

docs/analysis.md explains how each number is made and what it may be used for.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from xstilts.errors import CorruptError
from xstilts.results import (
    arm_pairs,
    arms,
    gallery,
    groups,
    headline,
    layers,
    statistics,
    summary,
    tables,
)
from xstilts.results.benchmarks import deviations, of_targets
from xstilts.results.compared import Comparison
from xstilts.results.configurations import configuration
from xstilts.results.in_processes import Processes
from xstilts.results.lineage import Lineage
from xstilts.results.rendering import csv, render
from xstilts.results.scores import is_final_score, problems, table_of
from xstilts.results.seen import seen
from xstilts.results.unreadable import Unreadable, lost, unreadable
from xstilts.spec.sweep import Sweep
from xstilts.store.doubts import Doubt, read_doubts
from xstilts.store.inside import inside
from xstilts.store.ledger import Ledger
from xstilts.store.local_files import write_bytes
from xstilts.store.phases import Store
from xstilts.store.reading import Damage, ReadStore
from xstilts.store.sweeps import read_sweep
from xstilts.version import __version__

if TYPE_CHECKING:
    import pandas as pd

MANY = 4000
"""From so many scores on, that is tables of predictions, targets are compared and pictures drawn in
several processes.
"""


class Written(NamedTuple):
    """A report that was written."""

    files: dict[str, Path]
    """Its files by name."""
    unreadable: list[Unreadable]
    """What could not be read for it."""


def write(
    store: Store,
    folder: Path,
    out: Path,
    *,
    command: str = "",
    resamples: int = statistics.RESAMPLES,
    tell: Callable[[str], None] = lambda problem: None,
) -> Written:
    """Writes the report of the sweep in `folder` into `out`, of all that can be read.

    `command`: the command that is shown as having written it; `tell` is told of each picture that
    could not be drawn, which the report says too. StoreError where nothing has been run
    or `out` can't be written.
    """
    store = ReadStore.of(store)
    sweep, ledger = read_sweep(folder), store.ledger(folder)
    with _processes(sweep, ledger) as processes:
        table = table_of(store, sweep, ledger.entries())
        against = [(pair.arm, pair.reference) for pair in arm_pairs.pairs(sweep)]
        compared = statistics.compare(
            table, store, resamples=resamples, against=against, processes=processes
        )
        swept = layers.curves(store, table, sweep)
        drawings = gallery.pictures(store, table, compared.gains, sweep, swept)
        drawing = gallery.drawn(drawings, processes)
        values = context(
            store,
            sweep,
            ledger,
            table,
            compared,
            swept,
            doubts=_doubts(folder, store),
            command=command,
            resamples=resamples,
        )
        numbers = {
            "scores_parquet": ("scores.parquet", _parquet(table)),
            "scores_csv": ("scores.csv", csv(table)),
            "gains_csv": ("gains.csv", csv(compared.gains)),
            **({"arms_csv": ("arms.csv", csv(values["arms_table"]))} if values["arms"] else {}),
        }
        pictures, undrawn = drawing()
    for problem in undrawn:
        tell(problem)
    values["problems"] += undrawn
    files = {
        "html": (
            "report.html",
            render("report.html.j2", {**values, "figures": _inline(pictures)}).encode(),
        ),
        "markdown": (
            "report.md",
            render("report.md.j2", {**values, "figures": _linked(pictures)}).encode(),
        ),
        **numbers,
        **{name: (picture.file, picture.png) for name, picture in pictures.items()},
    }
    for name, content in files.values():
        write_bytes(inside(out, name), content)
    return Written({name: out / file for name, (file, _) in files.items()}, values["unreadable"])


def _processes(sweep: Sweep, ledger: Ledger) -> Processes:
    """Several where there are many scores. They import while the table is read."""
    languages = {task.name: len(task.languages) for task in sweep.tasks}
    scores = sum(
        languages.get(entry.target, 0) for entry in ledger.entries() if is_final_score(entry)
    )
    modules = ("xstilts.results.statistics", "pandas", "pyarrow.parquet", "matplotlib.figure")
    return Processes(None if scores >= MANY else 1, modules)


def _doubts(folder: Path, store: ReadStore) -> tuple[Doubt, ...]:
    """The doubts that the run kept; a damaged file is noted."""
    try:
        return read_doubts(folder)
    except CorruptError as error:
        store.note(Damage(part="doubts.json", message=str(error)))
        return ()


def context(
    store: Store,
    sweep: Sweep,
    ledger: Ledger,
    table: pd.DataFrame,
    compared: Comparison,
    swept: pd.DataFrame,
    *,
    doubts: Sequence[Doubt] = (),
    command: str = "",
    resamples: int = statistics.RESAMPLES,
) -> dict[str, Any]:
    """Every value that the templates use; `swept` is the table of `layers.curves`."""
    store = ReadStore.of(store)
    gains, entries = compared.gains, ledger.entries()
    searches, lineage = summary.searches(entries, ledger.chosen()), Lineage(store, sweep)
    fair, fairness = summary.budget(searches)
    models = list(dict.fromkeys(table["model"]))
    values = {
        "sweep": sweep,
        "oracle": sweep.search.selection == "oracle",
        "version": __version__,
        "resamples": resamples,
        "models": models,
        "called": lambda name, model: gallery.called(name, model if len(models) > 1 else ""),
        "overall": summary.overall(gains),
        **_analysis(store, table, compared, sweep, resamples),
        "layers": layers.best(swept),
        "targets": [
            tables.by_language(group) for _, group in gains.groupby(["model", "target"], sort=False)
        ],
        "configurations": [configuration(search, lineage) for search in searches],
        "fair": fair,
        "fairness": fairness,
        "failures": summary.failures(entries),
        "doubts": summary.by_task(doubts),
        "losses": tables.losses(gains),
        "seeds": tables.distinct_seeds(gains),
        "any_same_data": bool(gains["same_data"].any()),
        "provenance": summary.provenance(store, entries),
        "command": command,
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    found = unreadable(store, store.damages, entries, [*problems(table), *problems(gains)])
    lacking = lost(one.to_json() for one in found)
    return {
        **values,
        "unreadable": found,
        "problems": [*map(str, found)],
        "lost": lacking,
        "models": tables.models(table, lacking),
        "matrix": tables.matrix(gains, sweep, lacking),
        "absolute": tables.absolute(table, sweep, lacking),
        "missing": summary.missing(sweep, entries, table, lacking),
    }


def _analysis(
    store: Store, table: pd.DataFrame, compared: Comparison, sweep: Sweep, resamples: int
) -> dict[str, Any]:
    """Headline, arms of one task, groups, and seen and unseen languages, for each model that has
    them.
    """
    benchmark = of_targets(sweep.targets)
    development = headline.development(store, table)
    arms_table = arms.table(sweep, compared, benchmark)
    rankings, arm_sections, group_sections, seen_sections = [], [], [], []
    for model in dict.fromkeys(table["model"]):
        means = {target: found for (name, target), found in compared.means.items() if name == model}
        examples = {
            target: found for (name, target), found in compared.examples.items() if name == model
        }
        ranking = headline.ranking(model, sweep, benchmark, means, development.get(model, {}))
        if ranking is not None:
            rows = headline.rows(ranking, compared.gains)
            harmful = tables.harmful(compared.gains, model)
            rankings.append({"ranking": ranking, "rows": rows, "harmful": harmful})
            group_sections.append(
                groups.groups(
                    model, table, sweep, benchmark, examples=examples, resamples=resamples
                )
            )
        arm_sections.append(arms.section(model, arms_table, sweep, benchmark))
        seen_sections.append(
            seen(model, table, compared.gains, examples=examples, resamples=resamples)
        )
    return {
        "rankings": rankings,
        "benchmark": benchmark,
        "deviations": deviations(sweep, benchmark),
        "arms": [one for one in arm_sections if one is not None],
        "arms_table": arms_table,
        "groups": [one for one in group_sections if one is not None],
        "seen": [one for one in seen_sections if one is not None],
    }


def _parquet(table: pd.DataFrame) -> bytes:
    bare = table.copy()
    bare.attrs = {}
    out = io.BytesIO()
    bare.to_parquet(out, index=False)
    return out.getvalue()


def _linked(pictures: Mapping[str, gallery.Picture]) -> dict[str, str]:
    return {name: picture.file for name, picture in pictures.items()}


def _inline(pictures: Mapping[str, gallery.Picture]) -> dict[str, str]:
    return {
        name: f"data:image/svg+xml;base64,{base64.b64encode(picture.svg).decode()}"
        for name, picture in pictures.items()
    }
