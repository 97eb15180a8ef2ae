"""What runs inside a Tune trial: one phase, in this process or on a group of Train workers.

A trial actor is reused from phase to phase, so imports and tokenizers are loaded once. The phase
runs in a thread and hands its reports over. At a report that may prune it, it waits for Tune's
answer, so a pruned phase stops at an evaluation and ends cleanly. A phase of several workers runs
as a Train worker group that this trial starts and watches; its reports come through a mailbox
actor. Both ways call the same `training.phase.run_phase`.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray import tune

from xstilts.spec.phase import PhaseSpec
from xstilts.store.phases import Store
from xstilts.workers.context import Report

Row = dict[str, Any]


class Handoff:
    """Carries reports from a phase's thread to Tune's loop, and answers back. One producer, one
    consumer.
    """

    def __init__(self, waits: bool) -> None:
        self._waits = waits
        self._rows: queue.Queue[Row] = queue.Queue()
        self._answers: queue.Queue[bool] = queue.Queue()
        self._asked = False
        self._stopping = False

    def report(self, row: Row) -> bool:
        """Hands a row over; False where the phase should stop. Where the search may prune the
        phase, a row with a value waits for the answer.
        """
        if self._stopping:
            return False
        ask = self._waits and row.get("value") is not None
        self._rows.put({**row, "asked": ask})
        return self._answers.get() if ask else True

    def end(self, row: Row) -> None:
        """Hands the last row over."""
        self._rows.put({**row, "asked": False})

    def take(self) -> Row:
        """Waits for the next row; progress that newer progress has replaced is skipped."""
        if self._asked:
            self._asked = False
            self._answers.put(True)
        row = self._rows.get()
        while row.get("value") is None and row["status"] == "running" and not self._rows.empty():
            row = self._rows.get()
        self._asked = row["asked"]
        return row

    def stop(self) -> None:
        """Answers no, now and from now on."""
        self._stopping = True
        self._answers.put(False)


class PhaseTrial(tune.Trainable):
    """A reusable trial. Its config: `phase` (the id), `spec` (as JSON), `slot`, `context` (of
    `workers.context.Context`), `waits` (whether the search may prune it), `group` (or None).
    """

    def setup(self, config: Row) -> None:
        """Starts the phase in `config`."""
        self._begin(config)

    def reset_config(self, new_config: Row) -> bool:
        """Ends the running phase and starts the next one in the same process."""
        self._finish()
        self._begin(new_config)
        return True

    def step(self) -> Row:
        """The phase's next report. After its last the engine calls `go_on`, or ends the trial."""
        return {**self._handoff.take(), "done": False}

    def go_on(self, config: Row) -> None:
        """Starts the next phase in the same process; the one before has ended."""
        self._thread.join(timeout=60)
        self._begin(config)

    def prune(self) -> None:
        """Ends the phase at once, because the search pruned it: Tune may leave this process idle
        for long.
        """
        self._handoff.stop()

    def cleanup(self) -> None:
        """Ends the running phase."""
        self._finish()

    def _begin(self, config: Row) -> None:
        self._handoff = Handoff(bool(config["waits"]))
        target = _run_group if config["group"] else _run_here
        self._thread = threading.Thread(
            target=_guarded, args=(target, config, self._handoff), daemon=True
        )
        self._thread.start()

    def _finish(self) -> None:
        self._handoff.stop()
        self._thread.join(timeout=60)


def _guarded(run: Callable[[Row, Handoff], str], config: Row, handoff: Handoff) -> None:
    """Runs a phase and hands over how it ended. An error becomes a row, so that the actor stays
    usable.
    """
    try:
        handoff.end({"status": run(config, handoff)})
    except BaseException as error:
        if _taken(error):
            handoff.end({"status": "taken"})
            return
        ending = {"error": _explain(error), "hopeless": _hopeless(error)}
        handoff.end({"status": "failed", **ending, "damaged": _damaged(error)})


def _taken(error: BaseException) -> bool:
    """Whether another worker has taken the phase over."""
    from xstilts.errors import LeaseLost

    return any(isinstance(cause, LeaseLost) for cause in _causes(error))


def _hopeless(error: BaseException) -> bool:
    """Whether the phase would fail again in the same way, because of its input or its numbers."""
    from xstilts.errors import InputError, PhaseError

    return any(isinstance(cause, InputError | PhaseError) for cause in _causes(error))


def _damaged(error: BaseException) -> str:
    """The phase whose files were found damaged; empty where that is not what happened."""
    from xstilts.errors import CorruptError

    found = (cause.phase for cause in _causes(error) if isinstance(cause, CorruptError))
    return next(filter(None, found), "")


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and those of its workers where Train wraps them."""
    return [error, *getattr(error, "worker_failures", {}).values()]


def _explain(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}\n\n{traceback.format_exc()}"


def _run_here(config: Row, handoff: Handoff) -> str:
    def report(report: Any) -> bool:
        return handoff.report({"status": "running", **report.model_dump()})

    return execute(config, report)


def execute(config: Row, report: Callable[[Any], bool]) -> str:
    """Runs the phase in `config` in this process, under the worker's lease: "done" or "pruned".

    The trial of a dead driver may live on for a moment; this one waits until its lease is free.
    Where another worker takes the lease over, because this one was stopped for long, the phase ends
    here with LeaseLost at its next report, and before it keeps anything more.
    """
    lease = Store(config["context"]["store"]).lease(f"worker-{config['phase']}")

    def still_ours(one: Any) -> bool:
        lease.check()
        return report(one)

    with lease.kept(waits=True):
        if "torch" not in sys.modules:  # the process is new
            report(Report(step=0, steps=0, doing="loading libraries"))
        from xstilts.training.phase import Context, run_phase

        context = Context(**config["context"])
        return run_phase(_spec(config), context, still_ours, sure=lease.check)


def _spec(config: Row) -> PhaseSpec:
    return PhaseSpec.model_validate(config["spec"])


# -- several workers


@ray.remote(num_cpus=0)
class Mailbox:
    """Carries rank 0's reports to the trial, and the trial's answer back."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._pruned = False

    def put(self, row: Row) -> bool:
        """Leaves a row; False where the phase should stop."""
        self._rows.append(row)
        return not self._pruned

    def take(self) -> list[Row]:
        """All rows since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def prune(self) -> None:
        """Answers the next report with no."""
        self._pruned = True


def _run_group(config: Row, handoff: Handoff) -> str:
    mailbox = Mailbox.remote()  # type: ignore[attr-defined]
    box: Row = {}
    thread = threading.Thread(target=_fit, args=(config, mailbox, box), daemon=True)
    thread.start()
    pruned = False
    while thread.is_alive():
        thread.join(timeout=0.2)
        for row in ray.get(mailbox.take.remote()):
            if not handoff.report(row) and not pruned:
                pruned = True
                ray.get(mailbox.prune.remote())
    if "error" in box:
        raise box["error"]
    if Store(config["context"]["store"]).phase(config["phase"]).complete:
        return "done"
    if pruned:
        return "pruned"
    raise RuntimeError("the Train workers ended without a record")


def _fit(config: Row, mailbox: Any, box: Row) -> None:
    """Starts the Train workers and waits for them; an error is left in `box["error"]`."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from xstilts.driver.rendezvous import torch_config

    group = config["group"]
    folder = Path(config["context"]["store"]) / "train"
    try:
        TorchTrainer(
            _worker,
            train_loop_config={**config, "mailbox": mailbox},
            torch_config=torch_config("nccl" if group["gpus"] else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=group["workers"],
                use_gpu=bool(group["gpus"]),
                resources_per_worker={
                    "CPU": group["cpus"],
                    **({"GPU": group["gpus"]} if group["gpus"] else {}),
                },
            ),
            run_config=RunConfig(
                name=f"{config['phase']}-{os.getpid()}",
                storage_path=str(folder),
                failure_config=FailureConfig(
                    max_failures=group["retries"], controller_failure_limit=3
                ),
            ),
        ).fit()
    except BaseException as error:
        box["error"] = error


def _worker(config: Row) -> None:
    from ray import train

    mailbox, first = config["mailbox"], train.get_context().get_world_rank() == 0

    def report(report: Any) -> bool:
        return not first or bool(
            ray.get(mailbox.put.remote({"status": "running", **report.model_dump()}))
        )

    if first:
        execute(config, report)
    else:
        from xstilts.training.phase import Context, run_phase

        run_phase(_spec(config), Context(**config["context"]), report)
