"""A pair by its name, and the evaluation whose checkpoint stands for it.

A pair is written as reports and MLflow write it, `squad→xquad`; on a command line `squad/xquad` is
easier, and `squad->xquad` needs quotes there. The baseline is `none/xquad`; a chain or a mixture
has its label. The checkpoint of a pair is that of the chosen configuration, trained with one of the
sweep's seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xstilts.errors import InputError, PhaseError, StoreError, first_line, nearest
from xstilts.results.scores import is_final_score
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.store.ledger import Entry, State

ARROWS = ("→", "->", "/")
"""Between intermediate and target."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An intermediate's label and a target's name."""

    intermediate: str
    target: str

    def __str__(self) -> str:
        return f"{self.intermediate}→{self.target}"


def parse(text: str, sweep: Sweep) -> Pair:
    """The pair of the sweep that `text` names; InputError where it names none."""
    arrow = next((one for one in ARROWS if one in text), None)
    if arrow is None:
        example = f"{sweep.labels[0]}/{sweep.targets[0]}"
        quoted = (
            ": the shell has read > as its own sign, so quote the pair or write it with /"
            if text.endswith("-")
            else ""
        )
        raise InputError(f'"{text}" is no pair{quoted}; must be INTERMEDIATE/TARGET, as {example}')
    intermediate, target = (part.strip() for part in text.split(arrow, 1))
    for what, name, known in (
        ("intermediate", intermediate, sweep.labels),
        ("target", target, sweep.targets),
    ):
        if name not in known:
            hint = nearest(name, known) or _listed(known)
            raise InputError(f'"{name}" is no {what} of sweep {sweep.name}{hint}')
    return Pair(intermediate=intermediate, target=target)


def evaluation(
    pair: Pair, sweep: Sweep, entries: Sequence[Entry], *, model: str | None, seed: int | None
) -> Entry:
    """The finished evaluation of a pair: of this model (else the sweep's first) and this seed (else
    the first of the sweep's that has one).

    Raises InputError for another model or seed, StoreError where the pair has no scores yet,
    PhaseError where it failed.
    """
    label = _known("model", model, [one.label for one in sweep.models])
    _known("seed", seed, list(sweep.seeds))
    own = [
        entry
        for entry in entries
        if (entry.kind, entry.role, entry.model) == ("evaluate", "final", label)
        and (entry.intermediate or BASELINE, entry.target) == (pair.intermediate, pair.target)
    ]
    place = {one: number for number, one in enumerate(sweep.seeds)}
    own.sort(key=lambda entry: place.get(entry.seed, len(place)))
    found = [one for one in own if is_final_score(one) and seed in (None, one.seed)]
    if found:
        return found[0]
    raise _lacking(pair, sweep, own, label, seed, entries)


def _known(what: str, value: object, known: Sequence[object]) -> object:
    """The value, or the first known one for None; InputError for one that is not known."""
    if value is None:
        return known[0]
    if value not in known:
        names = [str(one) for one in known]
        hint = nearest(str(value), names) or _listed(names)
        raise InputError(f"--{what} is {value}, which the sweep has not{hint}")
    return value


def _listed(names: Sequence[str]) -> str:
    return f"; there are: {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}"


def _lacking(
    pair: Pair,
    sweep: Sweep,
    own: Sequence[Entry],
    model: object,
    seed: int | None,
    entries: Sequence[Entry],
) -> Exception:
    """Why a pair has no finished evaluation, from the ledger."""
    name = f"{pair} of {model}" + ("" if seed is None else f", seed {seed}")
    others = [str(one.seed) for one in own if is_final_score(one)]
    if others:
        return InputError(f"{name} has no scores; those of seed {', '.join(others)} are there")
    concerned = [
        *own,
        *(
            entry
            for entry in entries
            if entry.model == model
            and (entry.intermediate or BASELINE) == pair.intermediate
            and (not entry.target or pair.target in entry.target.split(","))
        ),
    ]
    for state in (State.FAILED, State.BLOCKED):
        for entry in concerned:
            if entry.state == state:
                return PhaseError(
                    f"{name} has no scores: {entry.slot} {state}: {first_line(entry.error, 200)}"
                )
    return StoreError(f"{name} has no scores yet; `xstilts run` makes them (sweep {sweep.name})")
