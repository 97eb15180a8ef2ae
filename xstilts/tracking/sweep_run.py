"""The run of the sweep itself, under which the runs of its phases are nested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from xstilts.spec import inert
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, State
from xstilts.store.phases import Store
from xstilts.tracking.numbers import metric_key, milliseconds, text
from xstilts.tracking.run_view import SWEEP_KEY, RunView


def sweep_run(
    sweep: Sweep,
    store: Store,
    entries: Sequence[Entry],
    gains: Mapping[str, Mapping[str, float]],
) -> RunView:
    """The run above the others: how far the sweep is, and each pair's mean gain over seeds."""
    states = [e.state for e in entries]
    shown = [state for state in State if state is not State.WAITING]
    pairs: dict[str, list[float]] = defaultdict(list)
    for entry in entries:
        if entry.phase in gains and entry.kind == "evaluate" and entry.role == "final":
            model = [entry.model] if len(sweep.models) > 1 else []
            pairs[metric_key("pair_gain", *model, entry.target, entry.intermediate)].append(
                gains[entry.phase][""]
            )
    clock = sorted(milliseconds(e.time) for e in entries if e.time) or [0]
    going = not entries or any(state in (State.RUNNING, State.WAITING) for state in states)
    return RunView(
        key=SWEEP_KEY,
        name=f"{sweep.name} v{sweep.version}",
        status="RUNNING" if going else "FAILED" if State.FAILED in states else "FINISHED",
        started=clock[0],
        ended=None if going else clock[-1],
        tags={
            "xstilts.key": SWEEP_KEY,
            "xstilts.kind": "sweep",
            "xstilts.sweep": sweep.name,
            "xstilts.store": store.address,
            "xstilts.selection": sweep.search.selection,
            "mlflow.note.content": inert.markdown(sweep.description or sweep.name),
            "mlflow.source.name": "xstilts",
        },
        params=_sweep_params(sweep),
        latest={
            **{f"phases/{state}": float(states.count(state)) for state in shown},
            **{key: round(fmean(values), 4) for key, values in pairs.items()},
        },
    )


def _sweep_params(sweep: Sweep) -> dict[str, str]:
    return {
        "models": ", ".join(str(getattr(m, "label", None) or m.name) for m in sweep.models),
        "intermediates": ", ".join(sweep.labels),
        "targets": ", ".join(sweep.targets),
        "seeds": ", ".join(str(seed) for seed in sweep.seeds),
        **{
            f"search.{name}": text(value)
            for name, value in sweep.search.model_dump(mode="json").items()
        },
    }
