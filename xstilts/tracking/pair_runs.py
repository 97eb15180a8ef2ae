"""A run for each pair, between the sweep's run and those of the pair's phases.

A large sweep has thousands of phases; its table of pairs has one row for each pair, with the mean
gain over seeds, and opens into the pair's phases. An intermediate has a run of its own above its
trials and seeds, and so has a pretraining. A phase that several pairs share lies under the pair
that names it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, State
from xstilts.tracking.book import Book
from xstilts.tracking.labels import pair_name
from xstilts.tracking.numbers import metric_key, milliseconds
from xstilts.tracking.run_view import RunView

_OPEN = (State.WAITING, State.RUNNING)


def pair_key(entry: Entry) -> str:
    """Key of the run that a slot's phase lies under."""
    return f"pair {entry.model}/{pair_name(entry)}"


def pair_runs(
    sweep: Sweep,
    entries: Iterable[Entry],
    book: Book,
    gains: Mapping[str, Mapping[str, float]],
) -> list[RunView]:
    """The runs of pairs, intermediates and pretrainings of which something has been run."""
    wanted = {pair_key(book.main(key)) for key in book.slots}
    members: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        members[pair_key(entry)].append(entry)
    several = len(sweep.models) > 1
    return [
        _run(key, own, gains, several_models=several)
        for key, own in members.items()
        if key in wanted
    ]


def _run(
    key: str,
    own: Sequence[Entry],
    gains: Mapping[str, Mapping[str, float]],
    *,
    several_models: bool,
) -> RunView:
    first, states = own[0], Counter(entry.state for entry in own)
    going = any(state in states for state in _OPEN)
    clock = sorted(milliseconds(entry.time) for entry in own if entry.time) or [0]
    model = f"{first.model}: " if several_models and first.kind != "pretrain" else ""
    params = {"model": first.model}
    if first.intermediate:
        params["intermediate.task"] = first.intermediate
    if first.target:
        params["target.task"] = first.target
    return RunView(
        key=key,
        name=f"{model}{pair_name(first)}",
        status="RUNNING" if going else "FAILED" if State.FAILED in states else "FINISHED",
        started=clock[0],
        ended=None if going else clock[-1],
        tags={
            "xstilts.key": key,
            "xstilts.kind": "pair" if first.target else "above",
            "xstilts.pair": pair_name(first),
            "mlflow.source.name": "xstilts",
        },
        params=params,
        latest={
            **{f"phases/{state}": float(count) for state, count in sorted(states.items())},
            **_gains(own, gains),
        },
    )


def _gains(own: Sequence[Entry], gains: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The pair's mean gains over seeds, over all languages and in each, and over how many seeds."""
    finals = {
        entry.phase: gains[entry.phase]
        for entry in own
        if entry.kind == "evaluate" and entry.role == "final" and entry.phase in gains
    }
    by_language: dict[str, list[float]] = defaultdict(list)
    for found in finals.values():
        for language, value in found.items():
            by_language[language].append(value)
    if not finals:
        return {}
    means = {lang: round(fmean(values), 4) for lang, values in by_language.items()}
    target = own[0].target
    return {
        "gain": means[""],
        "gain/seeds": float(len(finals)),
        **{metric_key("gain", target, lang): value for lang, value in means.items()},
    }
