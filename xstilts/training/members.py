"""The members of a training: their encoded rows, the batches over all of them, and which of them
choose the best weights.

A training has one member, or several: a mixture. Each has its own rows, and its own development
scores at every evaluation. The weights kept are those of the evaluation with the highest
*unweighted mean* of the members' primary metrics, whatever their numbers of rows and rates (like
jiant's EqualMetricAggregator). A masked LM mixed with other tasks is a regulariser, to keep the
model's languages from being forgotten: it is scored and recorded like the others, but has no part
in the choice.

`R` rows of a member, `F` features made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.data import task_data, transforms
from xstilts.errors import PhaseError
from xstilts.spec.rates import language_rates
from xstilts.spec.task import Task, Use
from xstilts.training import batches

if TYPE_CHECKING:
    from xstilts.formats.encoded import EncodedSplit
    from xstilts.models.model import LoadedModel
    from xstilts.sources.context import DataContext
    from xstilts.spec.phase import PhaseSpec


@dataclass(frozen=True, kw_only=True)
class MemberData:
    """One member's encoded rows, of all its training languages together."""

    task: Task
    train: EncodedSplit
    dev: EncodedSplit | None
    """None for a task without a development split; it has no part in the choice."""
    transformed: dict[str, Any] | None = None
    """What the task's transform did (`transforms.facts`); None if it has none."""


def read(task: Task, loaded: LoadedModel, spec: PhaseSpec, context: DataContext) -> MemberData:
    """A member's tokenised rows, from the cache if they are there."""

    def encoded(use: Use) -> EncodedSplit:
        return task_data.encoded(task, use, None, loaded.tokenizer, spec.hyper, context)

    train, dev = encoded("train"), encoded("dev") if task.has("dev") else None
    return MemberData(task=task, train=train, dev=dev, transformed=transforms.facts(task, context))


def plan_batches(members: Sequence[MemberData], spec: PhaseSpec) -> batches.BatchPlan:
    """All batches of the training; PhaseError if the rates do not fit the members."""
    rows = [
        batches.MemberRows(
            lengths=m.train.lengths,
            n_items=m.train.n_items,
            n_rows=len(m.train.rows),
            strata=language_strata(m.task, m.train),
        )
        for m in members
    ]
    return batches.plan_batches(
        rows,
        seed=spec.seed,
        steps=spec.hyper.steps,
        batch_size=spec.hyper.batch_size,
        rates=spec.rates,
        names=[m.task.name for m in members],
    )


def language_strata(task: Task, split: EncodedSplit) -> batches.Strata | None:
    """The languages of a task with a `language_exponent`, to be drawn each at its own rate; else
    None.

    Raises PhaseError if the rows of a language gave no feature.
    """
    if task.language_exponent is None or len(task.train_languages) == 1:
        return None
    coded = split.rows.data.column("language").combine_chunks().dictionary_encode()
    languages, number_R = coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False)
    number_F = number_R[np.asarray(split.features.data.column("row"))]
    n_features = np.bincount(number_F, minlength=len(languages)).tolist()
    if 0 in n_features:
        empty = ", ".join(
            language for language, n in zip(languages, n_features, strict=True) if not n
        )
        raise PhaseError(
            f"task {task.name}: the rows in {empty} have nothing to train on; leave the "
            "language out"
        )
    rates = language_rates(np.bincount(number_R).tolist(), task.language_exponent)
    return batches.Strata(number_F=number_F, rate_S=rates)


def deciding(members: Sequence[MemberData]) -> list[Task]:
    """The tasks whose scores choose the best weights: those with development rows; masked LMs only
    if there are no others.
    """
    scored = [m.task for m in members if m.dev]
    return [task for task in scored if not task.spec.language_model] or scored
