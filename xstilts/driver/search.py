"""Optuna studies, one for each search of the plan. With `journal`, all that knows Optuna.

The ledger and the records of the phases are the truth; a study holds what Optuna needs to suggest
the next point. It is kept in a journal file in the sweep's folder, so that it outlives the driver
(optuna-dashboard opens it). Where a crash left the two different, or the journal was damaged,
`reconcile` makes the study follow the ledger. Where the ledger was damaged, a study may still know
what it has lost: suggestions (`suggested`) and trials that were pruned (`pruned`).

A finished trial becomes COMPLETE with its value, a pruned one PRUNED with the values it had until
then, one that failed or gave no finite value FAIL. The sampler is reseeded for each suggestion from
the sweep's seed, the model, the target and the number of the trial. So pairs with the same target
get the same random points until TPE has seen enough trials to choose (a third of them, at least 4
and at most 10): with few trials, luck in the search would otherwise look like a gain.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from xstilts.driver.journal import Journal
from xstilts.planning.plan import Study
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Choice, LogRange, Space
from xstilts.spec.sweep import Search
from xstilts.store.chained import Follower
from xstilts.store.ledger import Entry, State

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

SLOT = "slot"
"""User attribute of an Optuna trial: the slot it belongs to."""
HALVING = 2
"""Of how many trials one goes on at each rung of successive halving."""
_JUDGED = (TrialState.COMPLETE, TrialState.PRUNED)

Reported = tuple[tuple[int, float], ...]
"""Numbers of evaluations with their values in percent, in order."""

optuna.logging.set_verbosity(optuna.logging.WARNING)


class KnownTrial(NamedTuple):
    """A trial as the ledger has it, and the value in its record, in percent."""

    entry: Entry
    value: float | None


class Studies:
    """All studies of a sweep. One process writes: the driver that holds the sweep's lease."""

    def __init__(
        self,
        folder: Path,
        search: Search,
        studies: Mapping[str, Study],
        sweep: str,
        follower: Follower | None = None,
    ) -> None:
        """`follower` keeps what is written elsewhere too."""
        self._search, self._plans, self._sweep = search, studies, sweep
        folder.mkdir(parents=True, exist_ok=True)
        journal = Journal(folder / "studies.journal", follower)
        self._storage = journal.storage()
        self.told = journal.told
        """What a run tells of damage, a sentence each."""
        names = optuna.get_all_study_names(self._storage)
        self._known = {name.removeprefix(f"{self._sweep}/") for name in names}
        self._studies: dict[str, optuna.Study] = {}
        self._live: dict[str, optuna.trial.Trial] = {}
        self._before = self._trials_before()

    def _trials_before(self) -> dict[str, FrozenTrial]:
        """Slot to its trial in the studies as they were found; one that did not fail goes before
        one that did.
        """
        before: dict[str, FrozenTrial] = {}
        for study in self._storage.get_all_studies():
            key = study.study_name.removeprefix(f"{self._sweep}/")
            if key not in self._plans:
                continue
            space = self._plans[key].space.keys()
            for trial in self._storage.get_all_trials(study._study_id, deepcopy=False):
                slot = trial.user_attrs.get(SLOT, "")
                if trial.params.keys() == space and (
                    trial.state != TrialState.FAIL or slot not in before
                ):
                    before[slot] = trial
        return before

    def suggested(self, slot: str) -> dict[str, Any]:
        """What was suggested to a slot in an earlier run; empty where its study doesn't know."""
        trial = self._before.get(slot)
        return dict(trial.params) if trial else {}

    def pruned(self, slot: str) -> Reported | None:
        """What a slot had reported that was pruned in an earlier run; None where it was not."""
        trial = self._before.get(slot)
        if trial is None or trial.state != TrialState.PRUNED:
            return None
        return _reported(trial)

    def reported(self, slot: str) -> Reported:
        """What an open trial has reported: number of the evaluation, value in percent."""
        trial = self._live.get(slot)
        return _reported(self._storage.get_trial(trial._trial_id)) if trial else ()

    def ask(self, key: str, trial: int, slot: str) -> dict[str, Any]:
        """Hyperparameters for trial number `trial` of study `key`; of a grid, the plan's point."""
        study = self._open(key)
        study.sampler = self._sampler(key, trial)
        asked = study.ask(self._distributions(key))
        asked.set_user_attr(SLOT, slot)
        self._live[slot] = asked
        return dict(asked.params)

    def report(self, key: str, slot: str, step: int, value: float) -> bool:
        """Takes the value of evaluation number `step` in percent; False where the trial is pruned.

        Trials of one study may have different numbers of steps, so they are compared by the number
        of the evaluation, that is, at the same fraction of their training.
        """
        trial = self._live.get(slot)
        if trial is None or not math.isfinite(value):
            return True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a resumed phase may repeat an evaluation
            trial.report(value, step)
        return not trial.should_prune()

    def tell(self, key: str, told: KnownTrial) -> None:
        """Tells Optuna how a trial ended; does nothing where Optuna knows already."""
        slot = told.entry.slot
        trial = self._live.pop(slot, None)
        if trial is None:
            if not self._knows(key, slot):
                self._add(key, told)
            return
        state, value = _end(told)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._open(key).tell(trial.number, value, state=state, skip_if_finished=True)

    def reconcile(self, told: Iterable[KnownTrial]) -> None:
        """Makes the studies agree with the ledger and the records; `told` has the trials of each
        study in the order in which they were asked for.

        A running trial that the ledger does not know becomes FAIL, one that has ended gets its end,
        and one that is still open is taken up again. A trial that Optuna lost is added. A study
        that says something else than ledger and records is made again.
        """
        by_study: dict[str, dict[str, KnownTrial]] = {}
        for one in told:
            if one.entry.study in self._plans and one.entry.params:
                by_study.setdefault(one.entry.study, {})[one.entry.slot] = one
        for key in sorted(by_study.keys() | (self._known & self._plans.keys())):
            self._reconcile(key, by_study.get(key, {}))

    def _reconcile(self, key: str, told: dict[str, KnownTrial]) -> None:
        study = self._open(key)
        found = [
            (trial.user_attrs.get(SLOT, ""), trial)
            for trial in study.get_trials(deepcopy=False)
            if trial.state != TrialState.FAIL
        ]
        known = [slot for slot, _ in found if slot in told]
        space = self._distributions(key)
        other = [slot for slot, trial in found if _differs(trial, told.get(slot), space)]
        if other or len({*known}) < len(known):
            self._make_again(key, other)
            found, known = [], []
        for slot, trial in found:
            if trial.state != TrialState.RUNNING:
                continue
            if slot not in told:
                study.tell(trial.number, state=TrialState.FAIL)
                continue
            self._live[slot] = optuna.trial.Trial(study, trial._trial_id)
            if _end(told[slot])[0] is not None:
                self._add_reports(trial, told[slot].entry)
                self.tell(key, told[slot])
        for slot, one in told.items():
            if slot not in known:
                self._add(key, one)

    def _make_again(self, key: str, slots: list[str]) -> None:
        """Empties a study that contradicts the ledger."""
        optuna.delete_study(study_name=self._studies.pop(key).study_name, storage=self._storage)
        self._known.discard(key)
        self.told.append(
            f"the Optuna study of {key} did not agree with the ledger and the records "
            f"({', '.join(slots) or 'a trial was there twice'}); it is made again from these"
        )

    def _knows(self, key: str, slot: str) -> bool:
        """Whether Optuna has a trial of this slot that is complete or pruned."""
        trials = self._open(key).get_trials(deepcopy=False, states=_JUDGED)
        return any(trial.user_attrs.get(SLOT) == slot for trial in trials)

    def _add(self, key: str, told: KnownTrial) -> None:
        """Adds a trial as the ledger has it; one that is open can be reported and told then. One
        that failed says nothing to Optuna, and one that does not fit the space is of another plan.
        """
        study = self._open(key)
        state, value = _end(told)
        if state == TrialState.FAIL:
            return
        reported = dict(told.entry.reported)
        if state == TrialState.PRUNED and reported:
            value = told.entry.reported[-1][1]  # as `tell` does
        try:
            trial = optuna.trial.create_trial(
                params=told.entry.params,
                distributions=self._distributions(key),
                value=value,
                state=TrialState.RUNNING if state is None else state,
                user_attrs={SLOT: told.entry.slot},
                system_attrs=self._rungs(reported),
                intermediate_values=reported,
            )
        except ValueError:
            return
        study.add_trial(trial)
        if state is None:
            added = study.get_trials(deepcopy=False)[-1]
            self._live[told.entry.slot] = optuna.trial.Trial(study, added._trial_id)

    def _add_reports(self, trial: FrozenTrial, entry: Entry) -> None:
        """Adds what a trial had reported as the ledger has it, and the journal has not."""
        reported = dict(entry.reported)
        for step in reported.keys() - trial.intermediate_values.keys():
            self._storage.set_trial_intermediate_value(trial._trial_id, step, reported[step])
        rungs = self._rungs(reported)
        for name in rungs.keys() - trial.system_attrs.keys():
            self._storage.set_trial_system_attr(trial._trial_id, name, rungs[name])

    def _rungs(self, reported: Mapping[int, float]) -> dict[str, float]:
        """The attributes in which Optuna's SuccessiveHalvingPruner keeps the values that a trial
        had when it was compared (`completed_rung_<number>`), as it would have written them.
        """
        rungs: dict[str, float] = {}
        if self._search.stopping == "halving":
            for step, value in sorted(reported.items()):
                if step >= self._first_rung * HALVING ** len(rungs):
                    rungs[f"completed_rung_{len(rungs)}"] = value
        return rungs

    def _open(self, key: str) -> optuna.Study:
        if key not in self._studies:
            name, pruner = f"{self._sweep}/{key}", self._pruner()
            if key in self._known:  # `load_if_exists` would write a line each time
                made = optuna.load_study(study_name=name, storage=self._storage, pruner=pruner)
            else:
                made = optuna.create_study(
                    storage=self._storage, study_name=name, direction="maximize", pruner=pruner
                )
                self._known.add(key)
            self._studies[key] = made
        return self._studies[key]

    def _distributions(self, key: str) -> dict[str, BaseDistribution]:
        return {name: distribution(space) for name, space in self._plans[key].space.items()}

    def _sampler(self, key: str, trial: int) -> BaseSampler:
        plan = self._plans[key]
        about = f"{plan.model}>{plan.target}" if plan.target else key
        seed = int(digest([self._search.seed, about, trial]), 16) % 2**31
        random = optuna.samplers.RandomSampler(seed=seed)
        if self._plans[key].grid:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return optuna.samplers.PartialFixedSampler(self._plans[key].grid[trial], random)
        if self._search.sampler == "random":
            return random
        startup = min(10, max(4, self._plans[key].trials // 3))
        return optuna.samplers.TPESampler(
            seed=seed, multivariate=True, constant_liar=True, n_startup_trials=startup
        )

    @property
    def _first_rung(self) -> int:
        return max(1, self._search.stopping_warmup_evals)

    def _pruner(self) -> BasePruner:
        warmup = self._search.stopping_warmup_evals
        if self._search.stopping == "median":
            return optuna.pruners.PercentilePruner(50.0, n_startup_trials=2, n_warmup_steps=warmup)
        if self._search.stopping == "halving":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=self._first_rung, reduction_factor=HALVING
            )
        return optuna.pruners.NopPruner()


def distribution(space: Space) -> BaseDistribution:
    """A space as Optuna's distribution."""
    if isinstance(space, Choice):
        return CategoricalDistribution(space.choice)
    if isinstance(space, LogRange):
        return FloatDistribution(*space.log, log=True)
    return IntDistribution(*space.int)


def _end(told: KnownTrial) -> tuple[TrialState | None, float | None]:
    """Optuna's state for the end of a trial, and its value; no state while the trial is open."""
    state, value = told.entry.state, told.value
    if state.finished:
        finite = value is not None and math.isfinite(value)
        return (TrialState.COMPLETE, value) if finite else (TrialState.FAIL, None)
    if state is State.PRUNED:
        return TrialState.PRUNED, None
    return (TrialState.FAIL, None) if state.ended else (None, None)


def _reported(trial: FrozenTrial) -> Reported:
    return tuple(sorted(trial.intermediate_values.items()))


def _differs(
    trial: FrozenTrial, told: KnownTrial | None, space: Mapping[str, BaseDistribution]
) -> bool:
    """Whether a trial is of another space, or says something else than ledger and record. One that
    the ledger does not have, or that is open in one of the two, has nothing to differ in.
    """
    if any(space.get(name) != own for name, own in trial.distributions.items()):
        return True
    if told is None:
        return False
    if trial.params != told.entry.params:
        return True
    state, value = _end(told)
    if trial.state not in _JUDGED or state not in _JUDGED:
        return False
    return trial.state != state or (state == TrialState.COMPLETE and trial.value != value)
