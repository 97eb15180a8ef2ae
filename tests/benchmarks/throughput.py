"""Training throughput: our loop against transformers' `Trainer` padding to the maximum length.

    python tests/benchmarks/throughput.py [--mirror DIR] [--steps 30] [--batch 16] [--rounds 2]

The plain side is what `run_glue.py` and XTREME's scripts do: every input padded to `max_length`,
the default sampler, a model with the library's own head. Model, rows, tokenised features, number of
updates, batch size, learning rate and threads are the same; both sides are timed from the first
update to the last, taking turns. Printed are tokens of *real text* in a second, their ratio, and
the loss of the two trained models on the same rows by the same formula, which must agree within
noise (their training losses do not compare: the library's QA loss counts padding as places of an
answer). Then the fixed cost of a phase: the wall time of a one-update phase in a warm process.

Rows and model come from the mirror (udpos, squad, `local/mini-xlmr`); without one, from the tests'
toy world, whose ratio means little. Exits with 1 where a ratio is under 1.5.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.own_environment import use_own_environment  # noqa: E402

use_own_environment()

import torch  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback  # noqa: E402

from tests.support import toy  # noqa: E402
from xstilts import formats  # noqa: E402
from xstilts.data import task_data  # noqa: E402
from xstilts.formats.encoded import EncodedSplit  # noqa: E402
from xstilts.models import model  # noqa: E402
from xstilts.sources.base_models import resolve_model  # noqa: E402
from xstilts.sources.context import DataContext  # noqa: E402
from xstilts.spec.hyperparameters import Hyperparameters  # noqa: E402
from xstilts.spec.phase import Member, ModelParent, PhaseSpec  # noqa: E402
from xstilts.spec.task import Limits, Source, Splits, Task  # noqa: E402
from xstilts.store.phases import Store  # noqa: E402
from xstilts.training import phase, training  # noqa: E402
from xstilts.workers import process  # noqa: E402
from xstilts.workers.context import Context  # noqa: E402

WANTED = 1.5
SAMPLE = 128
"""Rows, from the end of the training rows, on which the trained models are compared."""
TAGS = (
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
)


def tasks(mirror: Path | None, folder: Path) -> Iterator[tuple[Task, str, int]]:
    """Task, model and maximum length of each comparison."""
    if mirror is None:
        toy.write_rows(folder / "rows", n=400)
        yield (
            toy.task("tags", folder / "rows", splits=Splits(train="train")),
            toy.base_model(folder / "base"),
            64,
        )
        return
    udpos = Source(hub="google/xtreme", config="udpos.{language}")
    squad = Source(hub="rajpurkar/squad", config="plain_text")
    common: dict[str, Any] = {"splits": Splits(train="train"), "limits": Limits(train=4000)}
    yield (
        Task(
            name="udpos",
            format="tagging",
            source=udpos,
            columns={"tags": "pos_tags"},
            labels=TAGS,
            language_names={"en": "English"},
            metric="chunk_f1",
            **common,
        ),
        "local/mini-xlmr",
        128,
    )
    yield (
        Task(name="squad", format="span_qa", source=squad, metric="qa_mean", **common),
        "local/mini-xlmr",
        384,
    )


class Side:
    """One comparison: the phase, its model and its data."""

    def __init__(
        self, task: Task, base: str, length: int, options: argparse.Namespace, folder: Path
    ) -> None:
        hyper = Hyperparameters(
            lr=3e-4,
            steps=options.steps,
            batch_size=options.batch,
            max_length_tokens=length,
            doc_stride_tokens=min(128, length // 4),
            warmup_ratio=0.1,
        )
        self.task, self.options, self.folder = task, options, folder
        self.context = Context(store=str(folder / "store"), mirror=options.mirror)
        member = Member(task=task, data_revision="benchmark")
        self.spec = PhaseSpec(
            action="train",
            parent=ModelParent(model=base, revision="benchmark"),
            members=(member,),
            hyper=hyper,
        )
        self.store = Store(self.context.store).prepare()
        self.where = DataContext(mirror=options.mirror, cache=str(self.store.data))
        self.world = process.world()

    def ours(self, round_number: int) -> tuple[float, float]:
        """Tokens of real text in a second, final loss."""
        spec = self.spec.model_copy(update={"seed": round_number})
        with process.clean(self.world, seed=round_number, threads=1):
            one = training.Training(
                spec,
                self.store.phase(spec.id),
                self.store,
                self.where,
                self.world,
                self.context,
                lambda report: True,
            )
            train_of = one.loop_for(None)
            started = time.perf_counter()
            train_of.train()
            seconds = time.perf_counter() - started
            loss = self._loss(
                one.loaded.pad_id, lambda batch: one.loaded.model.eval().outputs(0, batch)[0]
            )
        return float(one.tokens_U[-1]) / seconds, loss

    def plain(self, round_number: int) -> tuple[float, float]:
        """The same of a plain Trainer."""
        with process.clean(self.world, seed=round_number, threads=1):
            loaded = model.load(self.spec, self.store, self.where)
            rows = _Padded(
                self.encoded(), self.spec.hyper.max_length_tokens, loaded.pad_id, self.task
            )
            place = resolve_model(self.spec.parent.model, self.where)
            trainer = Trainer(
                model=_with_head(place, self.task),
                args=self._arguments(round_number),
                train_dataset=rows,
            )
            trainer.remove_callback(PrinterCallback)
            started = time.perf_counter()
            trainer.train()
            seconds = time.perf_counter() - started
            loss = self._loss(loaded.pad_id, lambda batch: _logits(trainer.model.eval(), batch))
        return rows.tokens / seconds, loss

    def _loss(
        self, pad_id: int, logits_of: Callable[[dict[str, torch.Tensor]], torch.Tensor]
    ) -> float:
        """Mean loss over the loss items of the sample."""
        encoded = self.encoded()
        features = encoded.features.__getitems__(
            list(range(max(0, len(encoded) - SAMPLE), len(encoded)))
        )
        batch = formats.get(self.task.format).collate(features, pad_id, None)
        batch = {name: value.to(self.world.device) for name, value in batch.items()}
        with torch.no_grad():
            scores = logits_of(batch).float()
        if self.task.format == "tagging":
            return float(cross_entropy(scores.flatten(0, 1), batch["labels_BL"].flatten()))
        scores = scores.masked_fill(batch["attention_mask_BL"][:, :, None] == 0, -1e9)
        places = (batch["start_position_B"], batch["end_position_B"])
        return float(
            sum(cross_entropy(scores[:, :, i], place) for i, place in enumerate(places)) / 2
        )

    def encoded(self) -> EncodedSplit:
        """The training rows, tokenised."""
        tokenizer = model.load(self.spec, self.store, self.where).tokenizer
        return task_data.encoded(self.task, "train", None, tokenizer, self.spec.hyper, self.where)

    def _arguments(self, seed: int) -> TrainingArguments:
        hyper = self.spec.hyper
        return TrainingArguments(
            output_dir=str(self.folder / "plain"),
            max_steps=hyper.steps,
            per_device_train_batch_size=hyper.batch_size,
            learning_rate=hyper.lr,
            weight_decay=hyper.weight_decay,
            warmup_steps=round(0.1 * hyper.steps),
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=seed,
            log_level="error",
            use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=False,
        )


class _Padded(torch.utils.data.Dataset):
    """Features padded to the maximum length; counts the tokens of real text that were taken."""

    def __init__(self, encoded: Any, length: int, pad_id: int, task: Task) -> None:
        self.encoded, self.length, self.pad_id, self.task, self.tokens = (
            encoded,
            length,
            pad_id,
            task,
            0,
        )

    def __len__(self) -> int:
        return len(self.encoded)

    def __getitem__(self, row: int) -> dict[str, Any]:
        feature = self.encoded.features[int(row)]
        ids = feature["input_ids"]
        self.tokens += len(ids)
        fill = self.length - len(ids)
        item = {
            "input_ids": ids + [self.pad_id] * fill,
            "attention_mask": [1] * len(ids) + [0] * fill,
        }
        if self.task.format == "span_qa":
            return {
                **item,
                "start_positions": feature["start_position"],
                "end_positions": feature["end_position"],
            }
        labels = [-100] * self.length
        for place, label in zip(feature["positions"], feature["labels"], strict=True):
            labels[place] = label
        return {**item, "labels": labels}


def _with_head(place: str, task: Task) -> Any:
    if task.format == "span_qa":
        return AutoModelForQuestionAnswering.from_pretrained(place)
    return AutoModelForTokenClassification.from_pretrained(place, num_labels=len(task.labels))


def _logits(trained: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    out = trained(input_ids=batch["input_ids_BL"], attention_mask=batch["attention_mask_BL"])
    return (
        torch.stack([out.start_logits, out.end_logits], dim=-1)
        if "start_logits" in out
        else out.logits
    )


def compare(side: Side) -> float:
    """Prints both sides; their ratio."""
    ours, plain = [], []
    for number in range(side.options.rounds):
        plain.append(side.plain(number))
        ours.append(side.ours(number))
    speed = [statistics.median(tokens for tokens, _ in sides) for sides in (ours, plain)]
    loss = [statistics.fmean(last for _, last in sides) for sides in (ours, plain)]
    ratio = speed[0] / speed[1]
    length = side.spec.hyper.max_length_tokens
    print(
        f"{side.task.name} (padded to {length}): ours {speed[0]:,.0f}, plain {speed[1]:,.0f} "
        "tokens of text a second; "
        f"ratio {ratio:.2f}; loss after training: ours {loss[0]:.3f}, plain {loss[1]:.3f}"
    )
    return ratio


def fixed_cost(side: Side) -> None:
    """Prints the wall time of one-update phases in a warm process."""
    hyper = side.spec.hyper.model_copy(update={"steps": 1, "batch_size": 1})
    seconds = []
    for seed in range(100, 106):
        spec = side.spec.model_copy(update={"hyper": hyper, "seed": seed})
        started, worked = time.perf_counter(), time.process_time()
        phase.run_phase(spec, side.context, lambda report: True)
        seconds.append((time.perf_counter() - started, time.process_time() - worked))
    wall, processor = (statistics.median(column) for column in zip(*seconds[1:], strict=True))
    print(
        f"fixed cost of a phase, one update of one row, warm: {wall:.2f} s wall, "
        f"{processor:.2f} s processor"
    )


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    beside = ROOT.parent / "shared" / "mirror"
    parser.add_argument("--mirror", default=str(beside) if beside.is_dir() else None)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mirror = Path(options.mirror) if options.mirror else None
        sides = [Side(*one, options, Path(folder)) for one in tasks(mirror, Path(folder))]
        ratios = [compare(side) for side in sides]
        fixed_cost(sides[0])
    return 0 if min(ratios) >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
