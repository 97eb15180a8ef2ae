"""One training: the loop's updates, and what happens between two of them.

After every update the training does what is due: a point of the curve, an evaluation on the
development data (English unless the task says otherwise), a partial checkpoint, a report.
Everything that decides a number depends on the update's number or is stored in the partial
checkpoint, so a training that was killed and resumed has exactly the same result as one that was
not.

The weights of the best evaluation are kept; for a mixture, that is the one with the highest
unweighted mean of its members' primary metrics (`members.deciding` says which members count).

`U` updates.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from xstilts.errors import PhaseError
from xstilts.evaluation import evaluate
from xstilts.models import model
from xstilts.store.phases import Phase, Store
from xstilts.store.results import CurvePoint, DevScore, TrainResult
from xstilts.training import fits, members, partial
from xstilts.training.loop import Loop, ShortOfMemory, factor
from xstilts.training.micro_batches import Loader, MemberFeatures
from xstilts.training.progress import CURVE_POINTS, Progress, thinned
from xstilts.workers import process
from xstilts.workers.context import Answer, Context, Report, Reporter
from xstilts.workers.precision import use_bf16

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext
    from xstilts.spec.phase import PhaseSpec
    from xstilts.spec.task import Task
    from xstilts.workers.process import World

Ended = Literal["pruned", "left"]
"""How a training ended before its last update: the search pruned it, or it was told to leave, and
has kept a partial checkpoint.
"""

REPORT_SECONDS = 1.0
PARTIAL_SPACING = 9
"""The wait between partial checkpoints is at least this many times the time the last one took to
write; none if the interval is 0 seconds.
"""
AGREE_UPDATES = 8
"""Several workers ask the first one at this interval whether it is time to report."""


class Training:
    """One training in this process: how it begins, what follows each update, how it ends."""

    def __init__(
        self,
        spec: PhaseSpec,
        phase: Phase,
        store: Store,
        context: DataContext,
        world: World,
        worker: Context,
        report: Reporter,
    ) -> None:
        self.spec, self.hyper, self.phase = spec, spec.hyper, phase
        self.halvings = worker.halvings
        self.world, self.worker, self.report = world, worker, report
        self._say("loading the model")
        self.loaded = model.load(spec, store, context)
        if worker.gradient_checkpointing:
            self.loaded.model.body.activation_checkpointing_enable({"use_reentrant": False})
        self.members = [self._read(member.task, context) for member in spec.members]
        self.deciding = members.deciding(self.members)
        self.plan = members.plan_batches(self.members, spec)
        self.tokens_U = np.cumsum(self.plan.tokens_U)
        self.bf16 = use_bf16(self.hyper, world.device)
        self.interval = max(1, -(-self.hyper.steps // (CURVE_POINTS // 2)))
        self.progress = Progress()
        self.best: dict[str, Any] | None = None
        self.loss = torch.zeros((), dtype=torch.float64, device=world.device)
        self.ended: Ended | None = None
        self.started = self.last_partial = self.last_report = time.monotonic()
        self.partial_took = 0.0
        self.reported_step = 0

    def run(self) -> TrainResult | Ended:
        """Trains from the newest partial checkpoint or from the start; says how it ended where it
        was told to before its last update.
        """
        self.loop_for(self._resume())
        if self.progress.step < self.hyper.steps and self.progress.stopped == "finished":
            while error := self._short_of_memory():
                self._halve(error)
        return self._finish() if self.ended is None else self.ended

    def _short_of_memory(self) -> str:
        """Runs the loop; what was said where memory ran out, else nothing."""
        try:
            self.loop.train()
        except ShortOfMemory as error:
            if self.world.size > 1:  # the other workers are waiting for this one's gradients
                raise
            return str(error)
        return ""

    def _halve(self, error: str) -> None:
        """Makes a loop of micro-batches half as large, which begins with the update that failed.

        PhaseError where they can't be smaller.
        """
        self.halvings += 1
        fits.check(self.spec, self.world.size, self.halvings, error)
        state = self.loop.snapshot()
        del self.loop
        self.loaded.model.zero_grad(set_to_none=True)
        process.reset()
        step, steps = self.progress.step, self.hyper.steps
        self.report(
            Report(step=step, steps=steps, halvings=self.halvings, doing="halving micro-batches")
        )
        self.loop_for(state)

    def _say(self, doing: str) -> None:
        """Reports what is done before the first update."""
        self.report(Report(step=0, steps=self.hyper.steps, halvings=self.halvings, doing=doing))

    def _read(self, task: Task, context: DataContext) -> members.MemberData:
        self._say(f"encoding rows of {task.name}")
        return members.read(task, self.loaded, self.spec, context)

    def loop_for(self, state: dict[str, Any] | None) -> Loop:
        """The loop over the remaining updates; `state`: optimizer and scheduler from a partial
        checkpoint.
        """
        self.loop = Loop(
            model=self.loaded.model,
            loader=self._loader(),
            hyper=self.hyper,
            world=self.world,
            folder=Path(gettempdir()),
            after_update=self.after_update,
            state=state,
        )
        return self.loop

    def _loader(self) -> Loader:
        return Loader(
            plan=self.plan,
            members=[
                MemberFeatures(
                    features=m.train.features, lengths=m.train.lengths, format=m.task.format
                )
                for m in self.members
            ],
            pad_id=self.loaded.pad_id,
            seed=self.spec.seed,
            rank=self.world.rank,
            workers=self.world.size,
            accumulation=fits.accumulation(self.hyper, self.halvings),
            first=self.progress.step,
            device=self.world.device.type,
        )

    def _resume(self) -> dict[str, Any] | None:
        """Restores weights and progress from the newest undamaged partial checkpoint; returns its
        optimizer and scheduler.
        """
        found = partial.newest(self.phase) if self.world.first else None
        found = self.world.from_first(found)
        if found is None:
            return None
        state, best = partial.read(self.phase.partial(found), with_best=self.world.first)
        self.loaded.model.load_state_dict(state["model"])
        self.progress = Progress(**state["progress"])
        self.loss.fill_(self.progress.loss_sum)
        self.reported_step = self.progress.step
        if best is not None:
            self.best = best[1]
        return dict(state["loop"])

    # -- after each update

    def after_update(self, step: int) -> bool:
        """Does what is due after update `step`; False ends the training."""
        progress = self.progress
        progress.step = step
        self.loss += self.loop.take_loss()
        progress.loss_updates += 1
        last = step == self.hyper.steps
        evaluates = last or step % self.hyper.evaluation_interval_steps == 0
        value = None
        if evaluates or step % self.interval == 0:
            rate = self.hyper.lr * factor(step - 1, self.hyper)
            point: dict[str, Any] = {
                "step": step,
                "loss": self._mean_loss(),
                "lr": rate,
                "dev": None,
            }
            if evaluates:
                point.update(self._evaluate())
            value = point["dev"]
            progress.curve.append(point)
        if 0 < self.hyper.patience_evals <= progress.evals_without_gain and not last:
            progress.stopped = "patience"
        over = last or progress.stopped != "finished"
        answer = self._tell(value)
        if over:  # it is kept, whatever the search says to its last score
            return False
        if answer == Answer.STOP:
            self.ended = "pruned"
        elif answer == Answer.LEAVE:
            self.ended = "left"
            self._keep_partial()
        else:
            self._partial()
        return self.ended is None

    def _evaluate(self) -> dict[str, Any]:
        """Scores the development data; keeps the weights if they are the best so far.

        Returns what it adds to the point of the curve: `dev`, and for a mixture `dev_by_task`, each
        member's primary metric; nothing if no member has development rows.
        """
        metrics = {
            m.task.name: evaluate.dev_scores(
                self.loaded, number, m.dev, m.task, world=self.world, bf16=self.bf16
            )
            for number, m in enumerate(self.members)
            if m.dev
        }
        if not metrics:
            return {}
        if self.world.device.type == "cpu":
            process.give_back()
        primary = {m.task.name: metrics[m.task.name][m.task.metric] for m in self.members if m.dev}
        value = sum(primary[task.name] for task in self.deciding) / len(self.deciding)
        self._keep_best(value, metrics)
        return {"dev": value, "dev_by_task": primary} if len(self.members) > 1 else {"dev": value}

    def _keep_best(self, value: float, metrics: dict[str, dict[str, float]]) -> None:
        progress = self.progress
        if progress.best_value is None or value > progress.best_value:
            progress.best_value, progress.best_step, progress.best_metrics = (
                value,
                progress.step,
                metrics,
            )
            progress.evals_without_gain = 0
            self.best = (
                self._weights() if self.world.first and progress.step < self.hyper.steps else None
            )
        else:
            progress.evals_without_gain += 1

    def _weights(self) -> dict[str, Any]:
        """A copy of the weights on the CPU; it overwrites the former copy, since a large model may
        fit into memory only once.
        """
        now = self.loaded.model.state_dict()
        if self.best is None:
            return {name: value.detach().to("cpu", copy=True) for name, value in now.items()}
        for name, value in now.items():
            self.best[name].copy_(value)
        return self.best

    def _mean_loss(self) -> float:
        """Mean training loss since the last point of the curve, then reset; PhaseError if it
        diverged.
        """
        progress = self.progress
        loss = self.loss.item() / max(1, progress.loss_updates)
        if not math.isfinite(loss):
            raise PhaseError(
                f"the training loss is {loss} at step {progress.step}; it must stay finite: "
                f"lower lr ({self.hyper.lr:g}) or max_grad_norm, or lengthen the warm-up"
            )
        self.loss.zero_()
        progress.loss_updates = 0
        return loss

    def _tell(self, value: float | None) -> int:
        """Reports at each evaluation and at most once a second in between; returns the answer."""
        now = time.monotonic()
        due = value is not None or now - self.last_report >= REPORT_SECONDS
        if self.world.size > 1 and value is None:
            due = self.progress.step % AGREE_UPDATES == 0 and self.world.from_first(due)
        if not due:
            return Answer.GO_ON
        step = self.progress.step
        tokens = self.tokens_U[step - 1] - (
            self.tokens_U[self.reported_step - 1] if self.reported_step else 0
        )
        status = Report(
            step=step,
            steps=self.hyper.steps,
            value=value,
            loss=self.progress.curve[-1]["loss"] if self.progress.curve else None,
            halvings=self.halvings,
            tokens_per_second=float(tokens) / max(1e-9, now - self.last_report),
        )
        self.last_report, self.reported_step = now, step
        return self.world.lowest(int(self.report(status)))

    def _partial(self) -> None:
        """Writes a partial checkpoint if the last one is old enough.

        Writing takes at most a tenth of the time: for a model of a few billion parameters it is 50
        GB.
        """
        now, every = time.monotonic(), self.worker.partial_every_seconds
        wait = max(every, PARTIAL_SPACING * self.partial_took) if every else 0
        if now - self.last_partial >= wait:
            self._keep_partial()

    def _keep_partial(self) -> None:
        """Writes a partial checkpoint."""
        if not self.world.first:
            return
        began = time.monotonic()
        progress = asdict(self.progress)
        progress.update(loss_sum=self.loss.item(), seconds=self._seconds())
        state = {
            "model": self.loaded.model.state_dict(),
            "loop": self.loop.snapshot(),
            "progress": progress,
        }
        best = None if self.best is None else (self.progress.best_step, self.best)
        partial.write(self.phase, self.progress.step, state, best)
        self.last_partial = time.monotonic()
        self.partial_took = self.last_partial - began

    def _seconds(self) -> float:
        return self.progress.seconds + time.monotonic() - self.started

    # -- the end

    def _finish(self) -> TrainResult:
        """Loads the best weights, keeps the checkpoint, returns the result for the record."""
        progress = self.progress
        if self.best is not None:
            self.loaded.model.load_state_dict(self.best)
        self.world.on_first(self._keep_checkpoint)
        curve = [CurvePoint(**point) for point in progress.curve]
        return TrainResult(
            dev=self._dev(),
            steps=progress.step,
            stopped=progress.stopped,
            tokens=int(self.tokens_U[progress.step - 1]),
            examples=progress.step * self.hyper.batch_size,
            seconds=self._seconds(),
            loss=curve[-1].loss,
            curve=thinned(curve, keep=progress.best_step),
            halvings=self.halvings,
            transformed={m.task.name: m.transformed for m in self.members if m.transformed},
        )

    def _keep_checkpoint(self) -> None:
        tasks = [member.task for member in self.spec.members]
        with self.phase.staging() as folder:
            model.save(self.loaded.model, self.loaded.tokenizer, tasks, folder)
            self.phase.keep_checkpoint(folder)

    def _dev(self) -> DevScore | None:
        """Score of the kept weights; None if no member has development rows."""
        progress = self.progress
        if progress.best_value is None:
            return None
        names = {task.metric for task in self.deciding}
        return DevScore(
            value=progress.best_value,
            metric=names.pop() if len(names) == 1 else "mean",
            step=progress.best_step,
            metrics=progress.best_metrics,
        )
