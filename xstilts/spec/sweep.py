"""What a sweep means: models x intermediates x targets x search space x seeds.

`sweep_file` reads a YAML file into a `Sweep`; nothing here knows YAML. Every value is frozen. A
hyperparameter is a *setting*: a fixed value, or a search space (`choice`, `log`, `int`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from xstilts.spec.frozen import Frozen
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.names import Name
from xstilts.spec.stages import PhaseKind
from xstilts.spec.task import Task

BASELINE = "none"


class Rates(Frozen):
    """Sampling rates of a mixture: a member of n rows has a rate proportional to
    min(n, cap)^(1/temperature).

    `{cap: K}` alone is examples-proportional mixing (Raffel et al. 2020, section 3.5.2).
    """

    cap: Annotated[int, Field(ge=1)] | None = None
    """A member counts as if it had at most this many rows (the paper's K)."""
    temperature: float = Field(default=1.0, ge=1)
    """1: proportional; higher values make the rates more equal."""
    fixed: dict[str, float] = Field(default_factory=dict)
    """Task name to its rate, between 0 and 1; the other members share what is left (`{mlm: 0.2}`).
    """


class Mixture(Frozen):
    """Several tasks sampled together, used like an intermediate task. Each batch comes from one
    task.
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
    """A base model that is pretrained from a configuration, before all pairs."""

    name: Name
    """Name of the resulting model."""
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
    """Trials of each study; a grid has as many as it has points."""
    order: Literal["staged", "joint"] = "staged"
    """`staged`: first an intermediate on its own development set, then the target; `joint`: both
    together.
    """
    selection: Literal["english", "oracle"] = "english"
    """`oracle` chooses by target-language scores; that is not zero-shot, and the report says so."""
    ladder: int = Field(default=3, ge=1, le=100)
    """Joint order: number of shared values that replace a continuous setting of an intermediate."""
    stopping: Literal["none", "median", "halving"] = "none"
    """Prunes trials that are worse than the others of their study."""
    stopping_warmup_evals: int = Field(default=1, ge=0)
    """Evaluations before a trial may be pruned."""
    seed: int = 0
    """Seed of the sampler."""


class Resources(Frozen):
    """What a phase may use. Not part of a phase's identity."""

    slots: int | None = Field(default=None, ge=1)
    """Phases that run at the same time; left out: as many as the cluster holds."""
    workers: int = Field(default=1, ge=1)
    """Train workers of a phase; they share each batch."""
    cpus_per_worker: int = Field(default=1, ge=1)
    gpus_per_worker: float = Field(default=0, ge=0)
    """GPUs that each worker holds: 0 for none, 1, or a fraction (0.5: two phases share a GPU). A
    worker computes on one GPU.
    """
    gradient_checkpointing: bool = False
    """Saves memory for about a third more work: the backward pass computes the layers again.
    Changes no number.
    """
    gpu: str | tuple[str, ...] | None = None
    """Kind of GPU that phases run on, or several in order of preference (`[A100-80GB, L4]`); left
    out: any. `xstilts plan` estimates for the first.
    """
    retries: int = Field(default=2, ge=0)
    """How often a failed phase is tried again."""
    partial_every_seconds: float = Field(default=60, ge=0)
    """Seconds between partial checkpoints; a killed phase loses at most the work of that time."""
    deadline_minutes: float = Field(default=30, ge=0)
    """A phase that makes no step for so long hangs: its process is killed and it is tried again;
    0: it may hang for ever. Before its first step, and in an evaluation, only a process that
    computes nothing counts.
    """

    @property
    def gpus(self) -> tuple[str, ...]:
        """The kinds of GPU that phases run on, the preferred one first; empty for any."""
        return () if self.gpu is None else (self.gpu,) if isinstance(self.gpu, str) else self.gpu

    @property
    def gpus_per_phase(self) -> float:
        """GPUs that one phase holds."""
        return self.workers * self.gpus_per_worker


class Budget(Frozen):
    """When a run stops by itself; the same command resumes it."""

    hours: float | None = Field(default=None, gt=0)
    """Wall-clock hours of one run."""
    phases: int | None = Field(default=None, ge=1)
    """Phases started in one run."""
    gpu_hours: float | None = Field(default=None, gt=0)
    """Hours of GPUs held by phases, over all runs of the sweep."""
    money: float | None = Field(default=None, gt=0)
    """What these hours may cost, over all runs, in the currency of `price_per_gpu_hour`."""
    price_per_gpu_hour: Annotated[float, Field(gt=0)] | dict[str, float] | None = None
    """Of one GPU; or kind of GPU to its price (`{A100-80GB: 3.2, L4: 0.8}`)."""
    when_spent: Literal["checkpoint", "finish"] = "checkpoint"
    """What becomes of the phases that run when hours, GPU hours or money are spent. `checkpoint`:
    those that will end within `grace_minutes` do, the others stop and carry on from their last
    partial checkpoint in the next run; `finish`: all end.
    """
    grace_minutes: float = Field(default=10, ge=0)
    """See `when_spent`."""


class Retention(Frozen):
    """Which checkpoints are kept. Records and predictions always are, and so is every checkpoint
    that something of a sweep in this store still needs.
    """

    weights: Literal["all", "chosen", "none"] = "all"
    """`chosen`: the checkpoints that final scores rest on; `none`: not even these, once they are
    scored. What is dropped can be trained again.
    """


class Sweep(Frozen):
    """One sweep file."""

    name: Name
    version: int = Field(default=1, ge=1)
    """Raise it when the plan changes, to keep the results of the two plans apart."""
    description: str = ""
    models: tuple[Model | Pretraining, ...] = Field(min_length=1)
    intermediates: tuple[str | Mixture | Chain, ...] = Field(min_length=1)
    """Task names, mixtures, chains, and `none`, the baseline."""
    targets: tuple[str, ...] = Field(min_length=1)
    """Task names."""
    seeds: tuple[int, ...] = Field(default=(1,), min_length=1)
    """The chosen configuration of each pair is run once with each seed."""
    tasks: tuple[Task, ...] = ()
    """Every task that the sweep uses, resolved against the built-in tables by `sweep_file`."""
    intermediate: Settings = Settings()
    target: Settings = Settings()
    overrides: dict[str, Settings] = Field(default_factory=dict)
    """Task or mixture name to settings that replace those of `intermediate` or `target`."""
    search: Search = Search()
    resources: Resources = Resources()
    budget: Budget = Budget()
    retention: Retention = Retention()
    store: str = "store"
    """Where results are kept: a folder, relative to the working directory, or an address in an
    object store, `s3://bucket/prefix`.
    """
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
        """Labels of what the intermediate `label` is trained on, in order; empty for `none`."""
        if label == BASELINE:
            return ()
        return next((one.stages for one in self._chains if one.label == label), (label,))

    @property
    def mixtures(self) -> tuple[Mixture, ...]:
        """Every mixture that is trained on, once: an intermediate, or a stage of a chain."""
        stages = (stage for chain in self._chains for stage in chain.chain)
        every = (one for one in (*self.intermediates, *stages) if isinstance(one, Mixture))
        return tuple({one.label: one for one in every}.values())

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
        """Settings of a phase of this kind on the task or mixture `name`, overrides included."""
        base = self.target if kind == "target" else self.intermediate
        return self.overrides.get(name, Settings()).over(base)


def intermediate_label(intermediate: str | Mixture | Chain) -> str:
    """The name of an intermediate, or of a stage of one, in tables; `none` included."""
    return intermediate if isinstance(intermediate, str) else intermediate.label


def chain_label(stages: Sequence[str]) -> str:
    """The default name of stages that are trained one after the other."""
    return "-then-".join(stages)
