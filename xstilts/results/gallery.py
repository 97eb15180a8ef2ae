"""The pictures of a report, from the scores, the gains and the records of the trainings.

    heatmap               mean gain, intermediate x target (one for each model)
    intervals             the same numbers with their confidence intervals
    languages <target>    gain in each language
    curves                learning curves of the final target trainings
    curves intermediates  those of their intermediates (of a chain its last stage); a mixture also
                          has a panel with its members
    layers <target>       retrieval: score against hidden state, a line for each intermediate

Names are keys of the dict that `pictures` returns; with several models each name ends in the
model's name. `drawn` draws them; a picture that fails is lost alone, and told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from xstilts.errors import StoreError, first_line
from xstilts.results.figures.grids import Cells, heatmap
from xstilts.results.figures.lines import Curve, LayerLine, layer_curves, learning_curves, mean
from xstilts.results.figures.style import PALETTE, png, svg
from xstilts.results.figures.whiskers import Interval, interval_panels
from xstilts.results.in_processes import Processes
from xstilts.results.moderated import EXAMPLES, SEEDS
from xstilts.results.summary import verdict
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.store.phases import Store

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Drawing = Callable[[], "Figure"]
NOTE = "* significant after Holm's correction"
MAX_PANELS = 6
"""Panels of learning curves in one picture."""
MAX_CURVES = 8
"""Curves of one intermediate in a panel; of more, their mean is drawn."""


def pictures(
    store: Store, table: pd.DataFrame, gains: pd.DataFrame, sweep: Sweep, swept: pd.DataFrame
) -> dict[str, Drawing]:
    """What draws each picture of a report, by name, in the order of the report; `swept` is the
    table of `layers.curves`.
    """
    oracle = " – ORACLE SELECTION" if sweep.search.selection == "oracle" else ""
    found: dict[str, Drawing] = {}
    models = list(dict.fromkeys(table["model"]))
    colours = palette(table)
    for i, model in enumerate(models):
        several = model if len(models) > 1 else ""
        beside = (f" {several}" if several else "") + oracle
        own, own_gains = table[table["model"] == model], gains[gains["model"] == model]
        if len(own_gains):
            title = f"Mean gain over all languages{beside}"
            plain = "heatmap" if i == 0 else called("heatmap", several)
            found[plain] = partial(_means, own_gains, sweep, title)
            alone = "" if (own_gains["interval_over"] == SEEDS).any() else f" over {EXAMPLES}"
            intervals = partial(_intervals, own_gains, colours, f"95% intervals{alone}{oracle}")
            found[called("intervals", several)] = intervals
            for target, group in own_gains.groupby("target", sort=False):
                title = f"{target}, {group['metric'].iloc[0]}{beside}"
                name = called(f"languages {target}", several)
                found[name] = partial(_languages, group, title)
        for name, panels in _panels(store, own, colours).items():
            found[called(name, several)] = partial(learning_curves, panels)
        for target, group in swept[swept["model"] == model].groupby("target", sort=False):
            title = called(str(target), several)
            found[called(f"layers {target}", several)] = partial(_layers, group, colours, title)
    return found


def called(name: str, model: str) -> str:
    """The name of a picture; `model` is empty where there is one model only."""
    return f"{name} {model}" if model else name


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that could be drawn."""

    file: str
    """Its PNG file, relative to the report's folder."""
    png: bytes
    svg: bytes


def drawn(
    drawings: Mapping[str, Drawing], processes: Processes | None = None
) -> Callable[[], tuple[dict[str, Picture], list[str]]]:
    """Begins to draw, in `processes` if they are given. What is returned waits for the pictures by
    name, and a sentence about each that could not be drawn: it costs no other picture, and nothing
    else of the report.
    """
    alone = Processes(1) if processes is None else processes
    begun = alone.begun(_draw, list(drawings.values()), [1] * len(drawings))

    def wait() -> tuple[dict[str, Picture], list[str]]:
        found: dict[str, Picture] = {}
        problems: list[str] = []
        for (name, file), made in zip(_files(drawings).items(), begun(), strict=True):
            if isinstance(made, str):
                said = f"picture `{name}` could not be drawn ({made}); its numbers are here"
                problems.append(said)
            else:
                found[name] = Picture(file=file, png=made[0], svg=made[1])
        return found, problems

    return wait


def _draw(drawing: Drawing) -> tuple[bytes, bytes] | str:
    """A picture as PNG and SVG, or why it can't be drawn."""
    try:
        figure = drawing()
        return png(figure), svg(figure)
    except Exception as error:  # matplotlib raises anything, and a picture is not a number
        return f"{type(error).__name__}: {first_line(error, 200)}"


def _files(names: Iterable[str]) -> dict[str, str]:
    """Picture to its file; no two share one, whatever a file system takes for equal."""
    files: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.+-]", "-", name)[:200]
        stem, number = plain, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{plain}-{number}"
        taken.add(stem.casefold())
        files[name] = "heatmap.png" if name == "heatmap" else f"figures/{stem}.png"
    return files


def _layers(group: pd.DataFrame, colours: dict[str, str], title: str) -> Figure:
    """Scores by hidden state on one target; the baseline is drawn last, above the others."""
    panels: dict[str, list[LayerLine]] = {}
    order = sorted(
        dict.fromkeys(group["intermediate"]),
        key=lambda label: (label == BASELINE, list(colours).index(label)),
    )
    reported = group[group["main"]]
    poolings = sorted(
        dict.fromkeys(group["pooling"]), key=lambda name: name not in set(reported["pooling"])
    )
    for pooling, own in ((name, group[group["pooling"] == name]) for name in poolings):
        lines = [(label, own[own["intermediate"] == label]) for label in order]
        panels[str(pooling)] = [
            LayerLine(
                label=label,
                colour=colours[label],
                layers=rows["layer"].tolist(),
                values=rows["value"].tolist(),
            )
            for label, rows in lines
            if len(rows)
        ]
    main = (
        (int(reported["layer"].iloc[0]), str(reported["pooling"].iloc[0]))
        if len(reported)
        else None
    )
    return layer_curves(panels, f"Layers of {title}", str(group["metric"].iloc[0]), main)


def palette(table: pd.DataFrame) -> dict[str, str]:
    """A colour for each intermediate; grey for the baseline."""
    labels = [label for label in dict.fromkeys(table["intermediate"]) if label != BASELINE]
    colours = PALETTE[1:]
    return {BASELINE: PALETTE[0]} | {
        label: colours[i % len(colours)] for i, label in enumerate(labels)
    }


def cells(
    gains: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    column: str,
    rules_after: Sequence[int] = (),
) -> Cells:
    """A grid of intermediates by `column`; a dagger marks the target's own training data."""
    found = {(r["intermediate"], r[column]): r for r in gains.to_dict("records")}
    grid = [[found.get((row, name)) for name in columns] for row in rows]
    dagger = (
        {r["intermediate"] for r in found.values() if r["same_data"]}
        if column == "language"
        else set()
    )
    return Cells(
        rows=[f"{row} †" if row in dagger else row for row in rows],
        columns=list(columns),
        rules_after=rules_after,
        gains=[[None if c is None else float(c["gain"]) for c in line] for line in grid],
        marks=[[c is not None and verdict(c) != "open" for c in line] for line in grid],
        daggers=[
            [c is not None and column != "language" and bool(c["same_data"]) for c in line]
            for line in grid
        ],
    )


def _means(gains: pd.DataFrame, sweep: Sweep, title: str) -> Figure:
    """The mean gains, with a cell for every pair of the sweep; without a score it is empty."""
    rows = [label for label in sweep.labels if label != BASELINE]
    return heatmap(
        cells(gains[gains["level"] == "mean"], rows, sweep.targets, "target"), title, note=NOTE
    )


def _languages(group: pd.DataFrame, title: str) -> Figure:
    """Gains on one target by language, then the means. One rule stands after the languages that the
    target was trained on, one before the means.
    """
    import pandas as pd

    rows = group[group["level"] == "language"]
    order = language_order(rows)
    trained = set(rows.loc[~rows["zero_shot"], "language"])
    first = sum(language in trained for language in order)
    unseen = set(rows.loc[rows["seen"].eq(False), "language"])
    names = {name: f"{name}°" if name in unseen else name for name in order}
    shown = {"mean": "all", "zero_shot": "zero-shot"} | (
        {"seen": "seen", "unseen": "unseen°"} if unseen else {}
    )
    means = group[group["level"].isin([*shown])]
    named = pd.concat(
        [
            rows.assign(language=rows["language"].map(names)),
            means.assign(language=means["level"].map(shown)),
        ]
    )
    columns = [*names.values(), *(shown[level] for level in dict.fromkeys(means["level"]))]
    rules = [after for after in (first - 1, len(order) - 1) if after >= 0]
    note = NOTE + ("; ° not in the base model's pretraining" if unseen else "")
    grid = cells(
        named, list(dict.fromkeys(rows["intermediate"])), columns, "language", sorted(set(rules))
    )
    return heatmap(grid, title, note=note)


def language_order(rows: pd.DataFrame) -> list[str]:
    """Training languages first, then languages the base model was pretrained on, then the others,
    each in the task's order.
    """
    first = rows.drop_duplicates("language")
    keys = {
        r["language"]: (bool(r["zero_shot"]), r["seen"] is False) for r in first.to_dict("records")
    }
    return sorted(keys, key=lambda language: keys[language])


def _intervals(gains: pd.DataFrame, colours: dict[str, str], title: str) -> Figure:
    panels: dict[str, list[Interval]] = {}
    labels = list(dict.fromkeys(gains["intermediate"]))
    means = {
        (r["target"], r["intermediate"]): r
        for r in gains[gains["level"] == "mean"].to_dict("records")
    }
    for target in dict.fromkeys(gains["target"]):
        panels[str(target)] = [
            _interval(label, means.get((target, label)), colours[label]) for label in labels
        ]
    return interval_panels(panels, title)


def _interval(label: str, row: Any, colour: str) -> Interval:
    if row is None:
        return Interval(
            label=label, gain=None, low=None, high=None, significant=False, colour=colour
        )
    known = row["low"] == row["low"]
    return Interval(
        label=label,
        gain=row["gain"],
        low=row["low"] if known else None,
        high=row["high"] if known else None,
        significant=verdict(row) != "open",
        colour=colour,
    )


def _panels(
    store: Store, table: pd.DataFrame, colours: dict[str, str]
) -> dict[str, dict[str, list[Curve]]]:
    """Pictures of learning curves: name to panel title to curves; empty panels are left out."""
    trained = table[table["train_phase"] != table["intermediate_phase"]]
    targets = {
        str(target): _curves(store, group, "train_phase", colours)
        for target, group in trained.groupby("target", sort=False)
    }
    targets = {name: found for name, found in targets.items() if found}
    names = list(targets)
    found = {
        f"curves{'' if start == 0 else f' {start // MAX_PANELS + 1}'}": {
            n: targets[n] for n in names[start : start + MAX_PANELS]
        }
        for start in range(0, len(names), MAX_PANELS)
    }
    before = _curves(store, table, "intermediate_phase", colours)
    mixtures = dict(list(_mixtures(before, colours).items())[: MAX_PANELS - 1])
    return found | (
        {"curves intermediates": {"intermediates": before, **mixtures}} if before else {}
    )


def _mixtures(curves: Sequence[Curve], colours: dict[str, str]) -> dict[str, list[Curve]]:
    """A panel for each mixture: its members' development scores, and its own curve."""
    found: dict[str, list[Curve]] = {}
    colours = dict(colours)
    for curve in curves:
        members = dict.fromkeys(name for point in curve.points for name in point.dev_by_task or ())
        for name in members:
            colours.setdefault(name, PALETTE[1 + (len(colours) - 1) % (len(PALETTE) - 1)])
            points = [p._replace(dev=(p.dev_by_task or {}).get(name)) for p in curve.points]
            found.setdefault(curve.label, []).append(
                Curve(label=name, colour=colours[name], points=points, shows=("dev",))
            )
        if members:
            found[curve.label].append(curve)
    return found


def _curves(store: Store, group: pd.DataFrame, column: str, colours: dict[str, str]) -> list[Curve]:
    once = group[["intermediate", column]].drop_duplicates()
    pairs: Iterable[tuple[str, str]] = zip(once["intermediate"], once[column], strict=True)
    found: dict[str, list[Curve]] = {}
    for label, phase in pairs:
        try:
            points = store.phase(phase).record().trained.curve if phase else ()
        except StoreError:
            continue  # the table of scores reports it
        if points:
            curve = Curve(label=label, colour=colours[label], points=points)
            found.setdefault(label, []).append(curve)
    many = (curves if len(curves) <= MAX_CURVES else [mean(curves)] for curves in found.values())
    return [curve for curves in many for curve in curves]
