"""Layer curves of retrieval: the score of every hidden state and pooling, from the records of the
evaluations.

A task with `sweep_layers` is scored at more hidden states than the one it reports, in the same
forward pass; its result then has `layers`, a `LayerScore` for each. This module makes one table of
them, and from it the curves (mean over languages and seeds, by layer) and the best layer of each
intermediate. The best layer is chosen on test, so its score is not one to report: it shows how much
of a difference between two checkpoints is only a difference of layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xstilts.errors import StoreError
from xstilts.results.scores import mean_over_languages
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

    `main`: whether this is the layer and pooling of the reported score. Only the target's primary
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
    means = mean_over_languages(frame, keys, "phase").reset_index()
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
        return ()  # the table of scores reports it


def best(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """For each model and target: the reported score of each intermediate, and its best layer and
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
