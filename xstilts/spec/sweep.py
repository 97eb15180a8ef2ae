"""What a sweep means: models x intermediates x targets x search space x seeds.

`sweep_file` reads a YAML file into a `Sweep`; nothing here knows YAML. Every value is frozen. A
hyperparameter is a *setting*: a fixed number, or a search space (`choice`, `log`, `int`). The same
names serve the file, the search, the command line and MLflow (`target.lr`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from xstilts.spec.frozen import Frozen
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.stages import PhaseKind
from xstilts.spec.task import Name, Task

BASELINE = "none"


class Rates(Frozen):
    """Sampling rates of a mixture by its members' numbers of rows n: p proportional to min(n,
    cap)^(1/temperature).

    `{cap: K}` alone is examples-proportional mixing (Raffel et al. 2020, section 3.5.2).
    """

    cap: Annotated[int, Field(ge=1)] | None = None
    """K: a member counts at most so many rows."""
    temperature: float = Field(default=1.0, ge=1)
    """1 is proportional; the higher, the more equal."""
    fixed: dict[str, float] = Field(default_factory=dict)
    """Task name to its rate, between 0 and 1; the other members share what is left (`{mlm: 0.2}`).
    """


class Mixture(Frozen):
    """Several tasks sampled together; stands wherever an intermediate can. Each batch comes from
    one task.
    """

    mixture: tuple[Name, ...] = Field(min_length=2)
    """Task names."""
    name: Name | None = None
    """Defaults to the names joined by `+`."""
    rates: Literal["proportional", "uniform"] | tuple[float, ...] | Rates = "proportional"
    """Sampling rates: by number of rows, equal, given in the order of the tasks, or capped and
    tempered.
    """
    heads: Literal["separate", "shared"] = "separate"
    """`shared`: members of one format with the same labels have one head."""

    @property
    def label(self) -> str:
        """Its name in tables and MLflow."""
        return self.name or "+".join(self.mixture)


class Chain(Frozen):
    """Intermediates trained one after the other, each from the checkpoint of the one before.

    Reported as one intermediate. Each stage is a phase like any other: `{chain: [mlm, squad]}`
    shares its first stage with the intermediate `mlm`.
    """

    chain: tuple[Name | Mixture, ...] = Field(min_length=2)
    """Task names or mixtures, in the order in which they are trained."""
    name: Name | None = None
    """Defaults to the stages joined by `-then-`."""

    @property
    def label(self) -> str:
        """Its name in tables and MLflow."""
        return self.name or chain_label(self.stages)

    @property
    def stages(self) -> tuple[str, ...]:
        """Labels of its stages."""
        return tuple(map(intermediate_label, self.chain))


class Pretraining(Frozen):
    """A base model trained from a configuration: phase zero of every pair."""

    name: Name
    """Name of the model this yields."""
    task: Name
    """A masked LM task."""
    config: dict[str, Any]
    """A transformers configuration with its `model_type`; the vocabulary size follows the
    tokenizer.
    """
    tokenizer: str
    """`generator` (the generator's word-level tokenizer), or a model id whose tokenizer is used."""
    settings: Settings = Settings()
    seed: int = 0

    @property
    def label(self) -> str:
        """Its name in tables and MLflow, as `Model` and `Mixture` have one."""
        return self.name


class Model(Frozen):
    """A base model from the hub, a mirror or a folder."""

    id: str
    revision: str = "main"
    name: Name | None = None
    """Name in tables; defaults to the last part of the id."""

    @property
    def label(self) -> str:
        """Its name in tables and MLflow."""
        return self.name or self.id.rstrip("/").split("/")[-1]


class Search(Frozen):
    """How hyperparameters are found. Every pair gets the same number of trials."""

    sampler: Literal["tpe", "random", "grid"] = "tpe"
    trials: int = Field(default=4, ge=1)
    """Trials of each study; with a grid its size is used instead."""
    order: Literal["staged", "joint"] = "staged"
    """`staged` tunes an intermediate on its own development set first; `joint` both together."""
    selection: Literal["english", "oracle"] = "english"
    """`oracle` chooses by target-language scores: not zero-shot any more, and the report says so.
    """
    ladder: int = Field(default=3, ge=1)
    """Joint order: a continuous intermediate setting becomes so many shared values."""
    stopping: Literal["none", "median", "halving"] = "none"
    """Stops bad trials early, compared within their own study alone."""
    stopping_warmup_evals: int = Field(default=1, ge=0)
    """No trial is stopped before so many evaluations."""
    seed: int = 0
    """Seed of the sampler."""


class Resources(Frozen):
    """What a phase is given. No part of a phase's identity."""

    slots: int | None = Field(default=None, ge=1)
    """Phases that run at the same time; left out: as many as the cluster holds."""
    workers: int = Field(default=1, ge=1)
    """Train workers of a phase; they share each batch."""
    cpus_per_worker: int = Field(default=1, ge=1)
    gpus_per_worker: float = Field(default=0, ge=0)
    gradient_checkpointing: bool = False
    """Less memory for about a third more work: layers are computed again on the way back. Changes
    no number.
    """
    gpu: str | None = None
    """Name of a GPU, for the estimate of `xstilts plan` alone."""
    retries: int = Field(default=2, ge=0)
    """A phase that fails is tried again so many times."""
    partial_every_seconds: float = Field(default=60, ge=0)
    """A killed phase loses at most so much work."""


class Budget(Frozen):
    """Where a run stops by itself; the same command carries on later."""

    hours: float | None = Field(default=None, gt=0)
    """Wall-clock hours."""
    phases: int | None = Field(default=None, ge=1)
    """Phases started in one run."""


class Sweep(Frozen):
    """One sweep file."""

    name: Name
    version: int = Field(default=1, ge=1)
    """Raise it when the sweep changes and its former results are to be kept apart."""
    description: str = ""
    models: tuple[Model | Pretraining, ...] = Field(min_length=1)
    intermediates: tuple[str | Mixture | Chain, ...] = Field(min_length=1)
    """Task names, mixtures, chains, and `none`, the baseline."""
    targets: tuple[str, ...] = Field(min_length=1)
    """Task names."""
    seeds: tuple[int, ...] = Field(default=(1,), min_length=1)
    """The chosen configuration of each pair is run once for each."""
    tasks: tuple[Task, ...] = ()
    """Every task the sweep uses, resolved against the built-in tables (`loading` does that)."""
    intermediate: Settings = Settings()
    target: Settings = Settings()
    overrides: dict[str, Settings] = Field(default_factory=dict)
    """Task or mixture name to settings that go before those of its phase kind."""
    search: Search = Search()
    resources: Resources = Resources()
    budget: Budget = Budget()
    store: str = "store"
    """Folder of the store; relative to the working directory."""
    tracking: str | None = None
    """MLflow tracking URI; left out: SQLite inside the store; `off`: none."""
    mirror: str | None = None
    """Folder with hub snapshots, used before the hub."""

    def task(self, name: str) -> Task:
        """The task called `name`; `KeyError` where there is none."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the intermediates in tables, `none` included."""
        return tuple(map(intermediate_label, self.intermediates))

    def stages(self, label: str) -> tuple[str, ...]:
        """Labels of what the intermediate called `label` is trained on, in order; of `none` nothing."""
        if label == BASELINE:
            return ()
        return next((one.stages for one in self._chains if one.label == label), (label,))

    @property
    def mixtures(self) -> tuple[Mixture, ...]:
        """Every mixture that is trained on: an intermediate, or a stage of a chain."""
        stages = (stage for chain in self._chains for stage in chain.chain)
        return tuple(one for one in (*self.intermediates, *stages) if isinstance(one, Mixture))

    def mixture(self, label: str) -> Mixture | None:
        """The mixture called `label`, if it is one."""
        return next((one for one in self.mixtures if one.label == label), None)

    def members(self, label: str) -> tuple[str, ...]:
        """Task names behind the label of a task, a mixture or a chain; each once."""
        names: dict[str, None] = {}
        for stage in self.stages(label):
            mixture = self.mixture(stage)
            names.update(dict.fromkeys(mixture.mixture if mixture else (stage,)))
        return tuple(names)

    @property
    def _chains(self) -> tuple[Chain, ...]:
        return tuple(one for one in self.intermediates if isinstance(one, Chain))

    def settings(self, kind: PhaseKind, name: str) -> Settings:
        """Settings of a phase of this kind on task or mixture `name`, most special first."""
        base = self.target if kind == "target" else self.intermediate
        return self.overrides.get(name, Settings()).over(base)


def intermediate_label(intermediate: str | Mixture | Chain) -> str:
    """The name of an intermediate, or of a stage of one, in tables; `none` included."""
    return intermediate if isinstance(intermediate, str) else intermediate.label


def chain_label(stages: Sequence[str]) -> str:
    """The name of stages that are trained one after the other, where nobody gave them one."""
    return "-then-".join(stages)
