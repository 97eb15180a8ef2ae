"""What a plan will cost: examples, tokens, floating-point operations, GPU hours. Estimates, from cards alone.

A training of S updates with batches of B rows sees S x B examples; an example has its card's mean tokens, cut to
`max_length_tokens`, for each of its input sequences. A token costs 6N operations in a training (2N forward, 4N
backward) and 2N in an evaluation, N being the parameters without embeddings (Kaplan et al. 2020, arXiv
2001.08361, section 2.1); to that comes attention, 4 layers x width x context forward, which is twice the term
of their equation 2.2, since an encoder's tokens see both sides. Hours are operations divided by what the GPU
reaches: its peak in the precision of the phase, times an assumed utilisation. An update also moves every
parameter, embeddings among them, through memory, however short its batch is; that takes longer than the
operations where batches are small: 50 bytes a parameter, at the memory's full speed.

Counted: every distinct phase of the plan, all trials of a search at its largest values, trainings to their last
step, the development evaluations in them. Not counted: padding (batches are cut into chunks of like length),
heads other than the masked LM's, embeddings, tokenising, loading, translation. Nothing is read but cards and
configurations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xstilts.audit import cards
from xstilts.costs import model_sizes
from xstilts.costs.gpus import GPUS, Gpu, gpu_name
from xstilts.costs.model_sizes import Encoder
from xstilts.errors import InputError
from xstilts.plan import Plan, Slot, fixed, most
from xstilts.sweep import TRAINED_KINDS, Hyperparameters, Mixture, Model, PhaseKind, Rates
from xstilts.task import Task, Use

DEFAULT_UTILISATION = 0.3
"""Share of the peak that small-batch fine-tuning is assumed to reach; `--mfu` gives another."""
UPDATE_BYTES = 50
"""Moved for each parameter by an update in fp32: AdamW reads weight, gradient and two moments and writes three of
them (28), the norm is taken and the gradient scaled (12), the gradient is written and the weight cast (10)."""
Sizes = Callable[[Task, Use], int | None]
"""Rows of a use over all its languages; None where nobody knows."""


_CHARACTERS: Mapping[str, float] = {
    "classification": 150, "regression": 120, "multiple_choice": 150, "tagging": 100, "span_qa": 800, "retrieval": 60,
    "mining": 120, "dual_encoder": 480, "masked_lm": 300,
}  # fmt: skip
"""Mean characters of an input sequence of a task without a card."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What some phases do."""

    examples: float = 0
    """Training examples: rows, or windows of span QA."""
    evaluated: float = 0
    """Rows that are evaluated: development rows in trainings, test rows in evaluations."""
    tokens: float = 0
    """Of both."""
    hours: float = 0
    """GPU hours; 0 where the model is unknown."""

    def __add__(self, other: Work) -> Work:
        return Work(examples=self.examples + other.examples, evaluated=self.evaluated + other.evaluated,
                    tokens=self.tokens + other.tokens, hours=self.hours + other.hours)  # fmt: skip

    def times(self, count: float) -> Work:
        """So much work `count` times."""
        return Work(examples=self.examples * count, evaluated=self.evaluated * count, tokens=self.tokens * count,
                    hours=self.hours * count)  # fmt: skip

    def positive(self) -> Work:
        """Nothing below 0."""
        return Work(examples=max(0, self.examples), evaluated=max(0, self.evaluated), tokens=max(0, self.tokens),
                    hours=max(0, self.hours))  # fmt: skip

    def to_json(self) -> dict[str, float]:
        """Rounded, for `--json`."""
        counts = {"examples": round(self.examples), "evaluated": round(self.evaluated), "tokens": round(self.tokens)}
        return {**counts, "gpu_hours": float(f"{self.hours:.4g}")}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate of a whole plan."""

    gpu: str
    utilisation: float
    by_kind: Mapping[PhaseKind, Work]
    """Distinct phases, their development evaluations among them."""
    phases: Mapping[PhaseKind, int]
    saved: Work
    """What sharing saves: trainings that would be run again if every target brought its own."""
    unknown: list[str] = field(default_factory=list)
    """What is left out because nobody knows its size."""

    @property
    def total(self) -> Work:
        """All phases together."""
        return sum(self.by_kind.values(), Work())

    @property
    def assumptions(self) -> str:
        """What the hours rest on, in one line."""
        gpu = GPUS[self.gpu]
        peak = f"{gpu.bf16:g} TFLOPS bf16" if gpu.bf16 else f"{gpu.fp32:g} TFLOPS fp32, for it has no bf16"
        return (
            f"{self.gpu} at {self.utilisation:.0%} of {peak}; 6 operations per parameter and token to train, 2 to "
            f"evaluate, and attention; {UPDATE_BYTES} bytes a parameter and update through memory; row lengths are "
            "estimates; padding is left out; searches count at their largest values"
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "gpu": self.gpu,
            "utilisation": self.utilisation,
            "by_kind": {kind: {"phases": self.phases[kind], **work.to_json()} for kind, work in self.by_kind.items()},
            "total": self.total.to_json(),
            "saved_by_sharing": self.saved.to_json(),
            "unknown": self.unknown,
            "assumptions": self.assumptions,
        }


def estimate(
    plan: Plan, *, gpu: str | None = None, utilisation: float = DEFAULT_UTILISATION, sizes: Sizes = cards.rows,
    base: str = ".",
) -> Cost:  # fmt: skip
    """The cost of a plan on `gpu` (left out: `resources.gpu` of the sweep, else an A100-80GB).

    `sizes` tells rows; `base` is what relative model folders start from. InputError for a GPU without an entry.
    """
    if not 0 < utilisation <= 1:
        raise InputError(f"utilisation of the GPU is {utilisation:g}; must be above 0 and at most 1")
    name = gpu_name(gpu or plan.sweep.resources.gpu)
    return _Estimator(plan, GPUS[name], utilisation, sizes, base).cost(name)


_Key = tuple[PhaseKind, str, str, str]


class _Estimator:
    def __init__(self, plan: Plan, gpu: Gpu, utilisation: float, sizes: Sizes, base: str) -> None:
        self.plan, self.gpu, self.utilisation, self.sizes = plan, gpu, utilisation, sizes
        self.tasks = {task.name: task for task in plan.sweep.tasks}
        self.mixtures = {m.label: m for m in plan.sweep.intermediates if isinstance(m, Mixture)}
        self.unknown: dict[str, dict[str, None]] = {}
        self.encoders = {}
        for model in plan.sweep.models:
            if isinstance(model, Model):
                shape = model_sizes.encoder(model.id, base=base, mirror=plan.sweep.mirror)
            else:
                shape = model_sizes.of_config(model.config)
            self.encoders[model.label if isinstance(model, Model) else model.name] = shape
        self._works: dict[_Key, Work] = {}

    def cost(self, gpu: str) -> Cost:
        by_kind: dict[PhaseKind, Work] = {}
        phases: dict[PhaseKind, int] = {}
        trainings, at_once = Work(), self._alone()
        for key, count in Counter(_key(slot) for slot in self.plan.distinct().values()).items():
            work, kind = self._work(key).times(count), key[0]
            by_kind[kind] = by_kind.get(kind, Work()) + work
            phases[kind] = phases.get(kind, 0) + count
            trainings = trainings + work if kind in ("intermediate", "target") else trainings
        saved = (at_once + trainings.times(-1)).positive()
        return Cost(gpu=gpu, utilisation=self.utilisation, by_kind=by_kind, phases=phases, saved=saved,
                    unknown=[f"{what} {', '.join(names)}" for what, names in self.unknown.items()])  # fmt: skip

    def _alone(self) -> Work:
        """All trainings if every target training brought its own intermediate (as `Plan.naive` counts them)."""
        groups = len({slot.target for slot in self.plan.slots if slot.kind == "target"})
        counts: Counter[_Key] = Counter()
        for slot in self.plan.slots:
            if slot.kind == "intermediate":
                counts[_key(slot)] += 1 if slot.prefix else max(1, groups)
            elif slot.kind == "target":
                counts[_key(slot)] += slot.target.count(",") + 1
        return sum((self._work(key).times(count) for key, count in counts.items()), Work())

    def _work(self, key: _Key) -> Work:
        if key not in self._works:
            slot = Slot(key="", kind=key[0], model=key[1], intermediate="", target=key[3], task=key[2], seed=0)
            self._works[key] = self._trained(slot) if slot.kind in TRAINED_KINDS else self._evaluated(slot)
        return self._works[key]

    def _trained(self, slot: Slot) -> Work:
        hyper = self._hyper(slot)
        mixture = self.mixtures.get(slot.task) if slot.kind == "intermediate" else None
        members = [self.tasks[name] for name in (mixture.mixture if mixture else (slot.task,))]
        examples = hyper.steps * hyper.batch_size
        evaluations = -(-hyper.steps // hyper.evaluation_interval_steps)
        total = self._updates(slot, hyper.steps)
        for task, rate in zip(members, self._rates(members, mixture), strict=True):
            total += self._passes(slot, task, hyper, examples * rate, training=True)
            total += self._passes(slot, task, hyper, self._rows(task, "dev") * evaluations)
        return total

    def _updates(self, slot: Slot, steps: int) -> Work:
        """Moving the parameters through memory, once an update."""
        encoder = self.encoders.get(slot.model)
        moved = steps * UPDATE_BYTES * (encoder.parameters + encoder.vocabulary * encoder.hidden) if encoder else 0
        return Work(hours=moved / (self.gpu.memory * 1e9) / 3600)

    def _evaluated(self, slot: Slot) -> Work:
        task, hyper = self.tasks[slot.task], self._hyper(slot)
        uses = cards.uses(task, "evaluate")
        return sum((self._passes(slot, task, hyper, self._rows(task, use)) for use in uses), Work())

    def _passes(self, slot: Slot, task: Task, hyper: Hyperparameters, rows: float, *, training: bool = False) -> Work:
        """`rows` through the model, forward, and backward too where it trains."""
        work = Work()
        for leaf, share in self._shares(task):
            windows, sequences, length = shape(leaf, hyper, training=training)
            tokens = rows * share * windows * sequences * length
            encoder = self.encoders.get(slot.model)
            if encoder is None:
                self._lacks("size of model", slot.model)
            flops = tokens * operations(encoder, length, leaf) * (3 if training else 1) if encoder else 0.0
            speed = self.gpu.peak(hyper.precision) * 1e12 * self.utilisation
            seen = {"examples" if training else "evaluated": rows * share}
            work += Work(**seen, tokens=tokens, hours=flops / speed / 3600)
        return work

    def _shares(self, task: Task) -> list[tuple[Task, float]]:
        """The parts of a union and their shares of its rows; equal where sizes are unknown."""
        counts = [self.sizes(leaf, "train") or 0 for leaf in task.leaves]
        whole = sum(counts) if all(counts) else 0
        return [(leaf, n / whole if whole else 1 / len(counts)) for leaf, n in zip(task.leaves, counts, strict=True)]

    def _rates(self, members: list[Task], mixture: Mixture | None) -> list[float]:
        if mixture is None:
            return [1.0]
        from xstilts.rates import member_rates

        counts = [self.sizes(task, "train") for task in members]
        fixed_rates = mixture.rates.fixed if isinstance(mixture.rates, Rates) else {}
        shared = [n for task, n in zip(members, counts, strict=True) if task.name not in fixed_rates]
        if None in shared and len(shared) > 1 and not isinstance(mixture.rates, tuple) and mixture.rates != "uniform":
            self._lacks("train rows for the rates (so all count alike) of", mixture.label)
            counts = [1] * len(members)
        return [float(x) for x in member_rates([n or 1 for n in counts], mixture.rates, list(mixture.mixture))]

    def _rows(self, task: Task, use: Use) -> int:
        found = self.sizes(task, use)
        if found is None:
            self._lacks(f"{use} rows of", task.name)
        return found or 0

    def _lacks(self, what: str, name: str) -> None:
        self.unknown.setdefault(what, {})[name] = None

    def _hyper(self, slot: Slot) -> Hyperparameters:
        """Hyperparameters of a slot, the largest of what is searched."""
        settings = self.plan.settings(slot)
        large = {name: most(value) for name, value in settings.given().items() if name in _SIZED}
        return Hyperparameters(**{**fixed(settings), **{name: int(value) for name, value in large.items()}})


_SIZED = ("steps", "batch_size", "max_length_tokens")


def _key(slot: Slot) -> _Key:
    return slot.kind, slot.model, slot.task, slot.target


def shape(task: Task, hyper: Hyperparameters, *, training: bool = False) -> tuple[float, int, float]:
    """`(windows, sequences, tokens)`: windows of a row, input sequences of a window, tokens of a sequence.

    In training an example is a window already. A masked LM's blocks are full, and hold many lines or part of one.
    """
    card = cards.of(task)
    tokens = card.tokens if card else _CHARACTERS[task.format] / cards.CHARACTERS_PER_TOKEN + cards.SPECIAL_TOKENS
    longest = hyper.max_length_tokens
    if task.format == "masked_lm":
        return (1.0 if training else tokens / longest), 1, float(longest)
    windows = 1.0
    if task.format == "span_qa" and not training and tokens > longest:
        windows += (tokens - longest) / max(longest / 2, longest - hyper.doc_stride_tokens)
    return windows, card.sequences if card else _sequences(task), min(tokens, longest)


def _sequences(task: Task) -> int:
    if task.format == "multiple_choice":
        return len(task.labels) or 4
    return 2 if task.format in ("retrieval", "mining", "dual_encoder") else 1


def operations(encoder: Encoder, context: float, task: Task) -> float:
    """Operations of one token, forward: 2N + 4 layers x width x context, and of a masked LM its head.

    The head meets the vocabulary at the masked share p of the tokens: 2p (d^2 + d V).
    """
    body = 2 * encoder.parameters + 4 * encoder.layers * encoder.width * context
    if task.format != "masked_lm":
        return body
    head = encoder.hidden**2 + encoder.hidden * encoder.vocabulary
    return body + 2 * task.options.mask_probability * head
