"""Layer curves of retrieval: the score of every hidden state and pooling, out of the records of the
evaluations.

A task with `sweep_layers` is scored at more hidden states than the one it reports, in the same
forward pass; the result then has `layers`, a `LayerScore` for each. Here they become one table, and
from it the curves (the mean over languages and seeds against the layer) and the best layer of each
intermediate. That one is chosen on test, so it is no score to report: it shows how much of a
difference between two checkpoints is the layer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xstilts.errors import StoreError
from xstilts.spec.format_specs.options import EmbeddingOptions
from xstilts.spec.sweep import Sweep
from xstilts.store.phases import Store
from xstilts.store.results import LayerScore

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("model", "intermediate", "target", "metric", "pooling", "layer", "value", "main")


def curves(store: Store, table: pd.DataFrame, sweep: Sweep) -> pd.DataFrame:
    """A row for each model, intermediate, target, pooling and layer: `value`, the mean over
    languages, then over seeds.

    `main` says whether it is the layer and pooling of the reported score. Only the target's primary
    metric.
    """
    import pandas as pd

    options_of = {name: sweep.task(name).options for name in sweep.targets}
    targets = [name for name, one in options_of.items() if isinstance(one, EmbeddingOptions)]
    rows: list[dict[str, Any]] = []
    evaluations = table[table["target"].isin(targets)].drop_duplicates(
        ["model", "intermediate", "target", "phase"]
    )
    for one in evaluations.to_dict("records"):
        for row in _layers(store, str(one["phase"])):
            if row.metric == sweep.task(one["target"]).metric:
                rows.append(
                    {
                        **{key: one[key] for key in ("model", "intermediate", "target", "phase")},
                        **row._asdict(),
                    }
                )
    if not rows:
        return pd.DataFrame(columns=list(COLUMNS))
    frame = pd.DataFrame(rows)
    keys = ["model", "intermediate", "target", "metric", "pooling", "layer"]
    by_phase = frame.groupby([*keys, "phase"], sort=False)["value"].mean()
    means = by_phase.groupby(keys, sort=False).mean().reset_index()
    options = means["target"].map(options_of)
    last = means.groupby(["model", "target"])["layer"].transform("max")
    main = [
        deepest if one.layer < 0 else one.layer for one, deepest in zip(options, last, strict=True)
    ]
    means["main"] = (means["layer"] == main) & (
        means["pooling"] == [one.pooling for one in options]
    )
    return means.sort_values(["layer"], kind="stable")[list(COLUMNS)].reset_index(drop=True)


def _layers(store: Store, phase: str) -> Sequence[LayerScore]:
    try:
        return store.phase(phase).record().evaluated.layers
    except StoreError:
        return ()  # reported where its numbers are missed


def best(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """For each model and target, of each intermediate the reported score, and its best layer and
    pooling on test.
    """
    found = []
    for (model, target), group in frame.groupby(["model", "target"], sort=False):
        lines = []
        for label, own in group.groupby("intermediate", sort=False):
            top = own.loc[own["value"].idxmax()]
            main = own[own["main"]]
            lines.append(
                {
                    "intermediate": label,
                    "layer": int(top["layer"]),
                    "pooling": top["pooling"],
                    "value": float(top["value"]),
                    "main": float(main["value"].iloc[0]) if len(main) else None,
                }
            )
        reported = group[group["main"]]
        at = (
            (int(reported["layer"].iloc[0]), str(reported["pooling"].iloc[0]))
            if len(reported)
            else None
        )
        found.append(
            {
                "model": model,
                "target": target,
                "metric": group["metric"].iloc[0],
                "lines": lines,
                "main": at,
            }
        )
    return found
