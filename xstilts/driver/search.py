"""Optuna studies, one for each search of the plan. The only module that knows Optuna.

The ledger and the records of the phases are the truth; a study holds what Optuna needs to suggest
the next point. It is kept in a journal file in the sweep's folder, so that it outlives the driver
(optuna-dashboard opens it). Where a crash left the two different, `reconcile` makes the study
follow the ledger.

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
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from xstilts.planning.plan import Study
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Choice, LogRange, Space
from xstilts.spec.sweep import Search
from xstilts.store.ledger import Entry, State

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

SLOT = "slot"
"""User attribute of an Optuna trial: the slot it belongs to."""

optuna.logging.set_verbosity(optuna.logging.WARNING)


class KnownTrial(NamedTuple):
    """A trial as the ledger has it, and the value in its record, in percent."""

    entry: Entry
    value: float | None


class Studies:
    """All studies of a sweep. One process writes: the driver that holds the sweep's lease."""

    def __init__(
        self, folder: Path, search: Search, studies: Mapping[str, Study], sweep: str
    ) -> None:
        self._search, self._plans, self._sweep = search, studies, sweep
        folder.mkdir(parents=True, exist_ok=True)
        self._storage = JournalStorage(JournalFileBackend(str(folder / "studies.journal")))
        self._studies: dict[str, optuna.Study] = {}
        self._live: dict[str, optuna.trial.Trial] = {}

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
        """Makes the studies agree with the ledger and the records.

        A running trial that the ledger does not know becomes FAIL, one that has ended gets its end,
        and one that is still open is taken up again. A trial that Optuna lost is added.
        """
        by_study: dict[str, dict[str, KnownTrial]] = {}
        for one in told:
            if one.entry.study in self._plans and one.entry.params:
                by_study.setdefault(one.entry.study, {})[one.entry.slot] = one
        names = optuna.get_all_study_names(self._storage)
        known = {name.removeprefix(f"{self._sweep}/") for name in names}
        for key in by_study.keys() | (known & self._plans.keys()):
            self._reconcile(key, by_study.get(key, {}))

    def _reconcile(self, key: str, told: dict[str, KnownTrial]) -> None:
        study = self._open(key)
        seen = set()
        for frozen in study.get_trials(deepcopy=False):
            slot = frozen.user_attrs.get(SLOT, "")
            one = told.get(slot)
            if one is not None and frozen.state != TrialState.FAIL:
                seen.add(slot)
            if frozen.state != TrialState.RUNNING:
                continue
            if one is None:
                study.tell(frozen.number, state=TrialState.FAIL)
                continue
            self._live[slot] = optuna.trial.Trial(study, frozen._trial_id)
            if _end(one)[0] is not None:
                self.tell(key, one)
        for slot in told.keys() - seen:
            self._add(key, told[slot])

    def _knows(self, key: str, slot: str) -> bool:
        """Whether Optuna has a trial of this slot that is complete or pruned."""
        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        trials = self._open(key).get_trials(deepcopy=False, states=ended)
        return any(trial.user_attrs.get(SLOT) == slot for trial in trials)

    def _add(self, key: str, told: KnownTrial) -> None:
        state, value = _end(told)
        if state in (TrialState.COMPLETE, TrialState.FAIL):
            self._open(key).add_trial(
                optuna.trial.create_trial(
                    params=told.entry.params,
                    distributions=self._distributions(key),
                    value=value,
                    state=state,
                    user_attrs={SLOT: told.entry.slot},
                )
            )

    def _open(self, key: str) -> optuna.Study:
        if key not in self._studies:
            self._studies[key] = optuna.create_study(
                storage=self._storage,
                study_name=f"{self._sweep}/{key}",
                direction="maximize",
                load_if_exists=True,
                pruner=self._pruner(),
            )
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

    def _pruner(self) -> BasePruner:
        warmup = self._search.stopping_warmup_evals
        if self._search.stopping == "median":
            return optuna.pruners.PercentilePruner(50.0, n_startup_trials=2, n_warmup_steps=warmup)
        if self._search.stopping == "halving":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=max(1, warmup), reduction_factor=2
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
