"""What a user sees first in MLflow: the experiment's note and its saved views.

MLflow's runs table shows no metric until somebody picks its column. Its *saved views* (the menu
"Views") hold filter, columns and order. MLflow 3.17 keeps each as an experiment tag
`mlflow.sharedViewState.<key>`, JSON that its page writes and reads, so a sweep can bring its own.
An MLflow without saved views shows the plain table.
"""

from __future__ import annotations

import base64
import json
import shlex
import zlib
from collections.abc import Sequence

from xstilts.spec import inert
from xstilts.spec.sweep import Sweep
from xstilts.tracking.numbers import metric_key

VIEW = "mlflow.sharedViewState."
_PAIRS = "tags.\"xstilts.kind\" = 'pair'"
_SEEDS = "tags.\"xstilts.kind\" = 'evaluate' AND tags.\"xstilts.role\" = 'final'"
_PHASES = "tags.\"xstilts.phase\" != ''"
_NOTE = (
    "{description} Tables: the menu **Views** on the page *Runs* (side *Model training*).\n\n"
    "*Pairs by gain* and *Gains by language* hold one run a pair, with its mean over seeds in "
    "points over the baseline `none` of the same target; *Seeds by gain* holds one run a pair and "
    "seed. Select some and *Compare* them. *Trainings* "
    "holds a run for each training, with its learning curves, its checkpoint and the checkpoint it "
    "started from. *Not finished* holds what is running, failed or was pruned.\n"
)


def experiment_tags(sweep: Sweep) -> dict[str, str]:
    """Tags of a sweep's experiment: kind of page, note, saved views."""
    return {
        "xstilts.sweep": sweep.name,
        "xstilts.version": str(sweep.version),
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.note.content": _NOTE.format(description=inert.markdown(sweep.description)).strip(),
        **_views(sweep),
    }


def page(experiment: str) -> str:
    """Path and fragment of the table of pairs on an MLflow server; `experiment` is MLflow's id."""
    table = "workflowType=machine_learning&viewStateShareKey=xstilts-pairs"
    return f"/#/experiments/{experiment}/runs?{table}"


def how_to_open(page: str, uri: str) -> str:
    """How to open a page: its address on a server, or a command for a shell and the address."""
    if uri.startswith("http"):
        return f"{uri.rstrip('/')}{page}"
    command = shlex.join(["mlflow", "ui", "--backend-store-uri", uri])
    return f"{command}   then http://127.0.0.1:5000{page}"


def _views(sweep: Sweep) -> dict[str, str]:
    models = ["model"] if len(sweep.models) > 1 else []
    settings = _settings(sweep)
    pair = [*models, "intermediate.task", "target.task"]
    seeds = [*pair, "seed"]
    gains = ["gain", *(metric_key("gain", target) for target in sweep.targets)]
    views = {
        "xstilts-pairs": _view("Pairs by gain", _PAIRS, "gain", ["gain", "gain/seeds"], pair),
        "xstilts-seeds": _view("Seeds by gain", _SEEDS, "gain", ["gain"], [*seeds, *settings]),
        "xstilts-trainings": _view(
            "Trainings",
            f"tags.\"xstilts.kind\" != 'evaluate' AND {_PHASES}",
            "dev/best",
            ["dev/best", "train/loss", "train/seconds", "train/tokens_per_second"],
            [*seeds, *settings],
            ["xstilts.kind", "xstilts.chosen"],
        ),
        "xstilts-unfinished": _view(
            "Not finished",
            "attributes.status != 'FINISHED' AND tags.\"xstilts.slot\" != ''",
            "dev/best",
            ["dev/best"],
            seeds,
            ["xstilts.kind", "xstilts.state", "xstilts.error"],
        ),
    }
    languages = list(
        dict.fromkeys(lang for target in sweep.targets for lang in _languages(sweep, target))
    )
    by_language = [
        metric_key("gain", target, lang)
        for target in sweep.targets
        for lang in _languages(sweep, target)
    ]
    if languages:
        views["xstilts-languages"] = _view(
            "Gains by language", _PAIRS, "gain", [*gains, *by_language][:100], pair
        )
    return {f"{VIEW}{key}": text for key, text in views.items() if len(text) < 5000}


def _settings(sweep: Sweep) -> list[str]:
    """Columns of learning rates and steps, for each stage where an intermediate is a chain."""
    stages = dict.fromkeys(
        f"intermediate.{number}" if count > 1 else "intermediate"
        for count in sorted({len(sweep.stages(label)) for label in sweep.labels})
        for number in range(1, count + 1)
    )
    stages.setdefault("intermediate")
    return [f"{name}.{setting}" for name in (*stages, "target") for setting in ("lr", "steps")]


def _languages(sweep: Sweep, target: str) -> Sequence[str]:
    return next((task.languages for task in sweep.tasks if task.name == target), ())


def _view(
    name: str,
    run_filter: str,
    order_by: str,
    metrics: Sequence[str],
    params: Sequence[str],
    tags: Sequence[str] = (),
) -> str:
    """One saved view, as MLflow's page stores it (zlib, base64)."""
    state = {
        "searchFilter": run_filter,
        "orderByKey": f"metrics.`{order_by}`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            *(f"metrics.`{name}`" for name in metrics),
            *(f"params.`{name}`" for name in params),
            *(f"tags.`{name}`" for name in tags),
        ],
        "columnOrder": [],
        "columnWidths": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
    }
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()
    return json.dumps({"name": name, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"})
