"""What runs inside a Tune trial: one phase, in this process or on a group of Train workers.

A trial actor is reused from phase to phase, so imports and tokenizers are loaded once. The phase
runs in a thread and hands its reports over. At a report that may prune it, it waits for Tune's
answer, so a pruned phase stops at an evaluation and ends cleanly. A phase of several workers runs
as a Train worker group that this trial starts and watches; its reports come through a mailbox
actor. Both ways call the same `training.phase.run_phase`.

Tune hears of each phase every two seconds, whether it has something new to say or not: only between
two of its questions can the driver tell a trial something. A phase that was told to leave, or that
hangs, says so in a row that does not end the trial, because the driver then kills the process:
it is not to be used again.
"""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from xstilts.driver.shared_folder import require_here
from xstilts.spec.phase import PhaseSpec
from xstilts.store.phases import Store
from xstilts.workers.context import Answer, Report
from xstilts.workers.watchdog import LATEST_LOOK_SECONDS, Watchdog

Row = dict[str, Any]

ASK_SECONDS = 2.0
"""Longest time that Tune waits for a phase's next report before it hears the last one again."""
TOGETHER_SECONDS = LATEST_LOOK_SECONDS + 2
"""Workers that hang together say so within this time."""
GONE = ("left", "hung", "short")
"""Statuses of a phase whose process is to be killed."""


class Handoff:
    """Carries reports from a phase's thread to Tune's loop, and answers back. One producer, one
    consumer.
    """

    def __init__(self, waits: bool) -> None:
        self._waits = waits
        self._rows: queue.Queue[Row] = queue.Queue()
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._asked = False
        self._answer = Answer.GO_ON
        self._last: Row = {"status": "running", "step": 0, "steps": 0, "asked": False}

    def report(self, row: Row) -> Answer:
        """Hands a row over; returns the answer. Where the search may prune the phase, a row with a
        value waits for it.
        """
        if self._answer != Answer.GO_ON:
            return self._answer
        ask = self._waits and row.get("value") is not None
        self._rows.put({**row, "asked": ask})
        return self._answers.get() if ask else self._answer

    def end(self, row: Row) -> None:
        """Hands the last row over."""
        self._rows.put({**row, "asked": False})

    def take(self, seconds: float | None = None) -> Row:
        """Waits for the next row; progress that newer progress has replaced is skipped. After
        `seconds` without one, the last row again, as one that asks and scores nothing.
        """
        if self._asked:
            self._asked = False
            self._answers.put(Answer.GO_ON)
        try:
            row = self._rows.get(timeout=seconds)
        except queue.Empty:
            return self._last
        while row.get("value") is None and row["status"] == "running" and not self._rows.empty():
            row = self._rows.get()
        self._asked = row["asked"]
        self._last = {**row, "asked": False, **({"value": None} if "value" in row else {})}
        return row

    def stop(self) -> None:
        """Answers STOP, now and from now on."""
        self._answer_all(Answer.STOP)

    @property
    def leaving(self) -> bool:
        """Whether the phase was told to leave."""
        return self._answer == Answer.LEAVE

    def leave(self) -> None:
        """Answers LEAVE, now and from now on, unless the phase was stopped already."""
        if self._answer == Answer.GO_ON:
            self._answer_all(Answer.LEAVE)

    def _answer_all(self, answer: Answer) -> None:
        self._answer = answer
        self._answers.put(answer)


class PhaseTrial(tune.Trainable):
    """A reusable trial. Its config: `phase` (the id), `spec` (as JSON), `slot`, `context` (of
    `workers.context.Context`), `waits` (whether the search may prune it), `group` (or None).
    """

    def setup(self, config: Row) -> None:
        """Keeps `config` until the first `step`. Tune drops a process that has just started if
        another has become free for its trial meanwhile, and then both would run the phase.
        """
        self._first: Row | None = config

    def reset_config(self, new_config: Row) -> bool:
        """Ends the running phase and starts the next one in the same process."""
        self._finish()
        self._begin(new_config)
        return True

    def step(self) -> Row:
        """The phase's next report. After its last the engine calls `go_on`, or ends the trial. With
        it go the `nodes` that the phase runs on, and its `writer`: node, host and id of the process
        that holds its lease.
        """
        if self._first is not None:
            config, self._first = self._first, None
            self._begin(config)
        row = self._handoff.take(ASK_SECONDS)
        nodes = {ray.get_runtime_context().get_node_id(), *row.get("nodes", ())}
        return {"writer": _writer(), **row, "nodes": sorted(nodes), "done": False}

    def go_on(self, config: Row) -> None:
        """Starts the next phase in the same process; the one before has ended."""
        self._thread.join(timeout=60)
        self._begin(config)

    def prune(self) -> None:
        """Ends the phase at once, because the search pruned it: Tune may leave this process idle
        for long.
        """
        self._handoff.stop()

    def leave(self) -> None:
        """Lets the phase keep a partial checkpoint and end, within about three seconds and the time
        of an update or an evaluation; its next row then says `left`, and the driver kills this
        process. A phase that has just ended says how, as always.

        For whoever has to free a node or end a run: the phase loses no step.
        """
        self._handoff.leave()

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
        if self._first is None:
            self._handoff.stop()
            self._thread.join(timeout=60)
        self._first = None


def _guarded(run: Callable[[Row, Handoff], str], config: Row, handoff: Handoff) -> None:
    """Runs a phase and hands over how it ended. An error becomes a row, so that the actor stays
    usable.
    """
    try:
        handoff.end({"status": run(config, handoff)})
    except _Left:
        handoff.end({"status": "left"})
    except BaseException as error:
        if _taken(error):
            handoff.end({"status": "taken"})
            return
        ending = {"error": _explain(error), "hopeless": _hopeless(error)}
        handoff.end({"status": "failed", **ending, "damaged": _damaged(error)})


def _writer() -> list[Any]:
    """Node, host and id of this process."""
    return [ray.get_runtime_context().get_node_id(), socket.gethostname(), os.getpid()]


class _Left(BaseException):
    """Ends a phase that is to leave between two steps, where there is nothing to keep."""


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
    require_here(config["context"]["store"])

    def report(report: Any) -> Answer:
        answer = handoff.report({"status": "running", **report.model_dump()})
        if report.doing and answer == Answer.LEAVE:
            raise _Left
        return answer

    def hung(where: str) -> None:
        handoff.end({"status": "hung", "error": where})

    return execute(config, report, hung)


def execute(
    config: Row,
    report: Callable[[Any], int],
    hung: Callable[[str], None] = lambda where: None,
) -> str:
    """Runs the phase in `config` in this process, under the worker's lease: "done", "pruned" or
    "left". `hung` gets the stacks where it makes no progress for longer than the deadline.

    The trial of a dead driver may live on for a moment; this one waits until its lease is free.
    Where another worker takes the lease over, because this one was stopped for long, the phase ends
    here with LeaseLost at its next report, and before it keeps anything more.
    """
    lease = _store(config).lease(f"worker-{config['phase']}")
    dog = Watchdog(config["context"]["deadline_seconds"], hung)

    def still_ours(one: Any) -> int:
        lease.check()
        dog.progress(one)
        return report(one)

    with lease.kept(waits=True), dog.watching():
        if "torch" not in sys.modules:  # the process is new
            report(Report(step=0, steps=0, doing="loading libraries"))
        from xstilts.training.phase import Context, run_phase

        context = Context(**config["context"])
        return run_phase(_spec(config), context, still_ours, sure=lease.check)


def _store(config: Row) -> Store:
    return Store(config["context"]["store"]).has_answered()


def _spec(config: Row) -> PhaseSpec:
    return PhaseSpec.model_validate(config["spec"])


# -- several workers


@ray.remote(num_cpus=0)
class Mailbox:
    """Carries what the workers say to the trial, and the trial's answer back."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._answer = Answer.GO_ON
        self._nodes: dict[int, str] = {}
        self._hung: dict[int, str] = {}
        self._short = ""

    def begin(self, rank: int, node: str) -> None:
        """A worker has begun on a node; the former group of this trial has ended."""
        self._nodes[rank] = node
        self._hung = {}

    def put(self, row: Row) -> Answer:
        """Leaves a row; returns the answer."""
        self._rows.append(row)
        return self._answer

    def take(self) -> list[Row]:
        """All rows since the last call."""
        rows, self._rows = self._rows, []
        return [{**row, "nodes": list(self._nodes.values())} for row in rows]

    def answer(self, answer: Answer) -> None:
        """Answers the next report, and all after it, with this."""
        self._answer = answer

    def hung(self, rank: int, where: str) -> None:
        """A worker makes no progress."""
        self._hung[rank] = where

    def short(self, error: str) -> None:
        """A worker ran out of memory."""
        self._short = error

    def shortage(self) -> str:
        """What was said where a worker ran out of memory; empty where none did."""
        return self._short

    def hanging(self) -> dict[int, str]:
        """The workers that make no progress: rank to where."""
        return self._hung


def _run_group(config: Row, handoff: Handoff) -> str:
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    mailbox = Mailbox.options(scheduling_strategy=here).remote()  # type: ignore[attr-defined]
    box: Row = {}
    thread = threading.Thread(target=_fit, args=(config, mailbox, box), daemon=True)
    thread.start()
    answer, step = Answer.GO_ON, 0
    while thread.is_alive():
        thread.join(timeout=0.2)
        for row in ray.get(mailbox.take.remote()):
            before, answer, step = answer, handoff.report(row), row["step"]
            if answer != before:
                ray.get(mailbox.answer.remote(answer))
        if handoff.leaving and step == 0:
            return "left"  # there is nothing to keep, and the group ends with this process
        if said := ray.get(mailbox.shortage.remote()):
            halvings = config["context"]["halvings"] + 1
            handoff.end({"status": "short", "error": said, "halvings": halvings})
            thread.join()  # until the driver kills this process
        if ray.get(mailbox.hanging.remote()):
            time.sleep(TOGETHER_SECONDS)
            hanging = ray.get(mailbox.hanging.remote())
            told = "\n".join(f"worker {rank}: {where}" for rank, where in sorted(hanging.items()))
            handoff.end({"status": "hung", "error": told})
            thread.join()  # until the driver kills this process
    if "error" in box:
        raise box["error"]
    if _store(config).phase(config["phase"]).complete:
        return "done"
    if answer != Answer.GO_ON:
        return "left" if answer == Answer.LEAVE else "pruned"
    raise RuntimeError("the Train workers ended without a record")


def _fit(config: Row, mailbox: Any, box: Row) -> None:
    """Starts the Train workers and waits for them; an error is left in `box["error"]`."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from xstilts.driver.rendezvous import torch_config

    group = config["group"]
    folder = _store(config).path / "train"
    try:
        TorchTrainer(
            _worker,
            train_loop_config={**config, "mailbox": mailbox},
            torch_config=torch_config("nccl" if group["gpus"] else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=group["workers"],
                use_gpu=bool(group["gpus"]),
                label_selector=group["labels"] or None,
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

    require_here(config["context"]["store"])
    mailbox, rank = config["mailbox"], train.get_context().get_world_rank()
    ray.get(mailbox.begin.remote(rank, ray.get_runtime_context().get_node_id()))

    def report(report: Any) -> int:
        row = {"status": "running", **report.model_dump(), "writer": _writer()}
        return Answer.GO_ON if rank else ray.get(mailbox.put.remote(row))

    def hung(where: str) -> None:
        mailbox.hung.remote(rank, where)

    from xstilts.training import fits
    from xstilts.training.loop import ShortOfMemory
    from xstilts.training.phase import Context

    try:
        if rank == 0:
            execute(config, report, hung)
        else:
            _follow(config, report, hung)
    except ShortOfMemory as error:
        context, workers = Context(**config["context"]), config["group"]["workers"]
        fits.check(_spec(config), workers, context.halvings + 1, str(error))
        ray.get(mailbox.short.remote(str(error)))
        threading.Event().wait()  # until the trial is killed, and this group with it


def _follow(config: Row, report: Callable[[Any], int], hung: Callable[[str], None]) -> None:
    """Runs the phase as a worker that is not the first."""
    from xstilts.training.phase import Context, run_phase

    dog = Watchdog(config["context"]["deadline_seconds"], hung)

    def watched(one: Any) -> int:
        dog.progress(one)
        return report(one)

    with dog.watching():
        run_phase(_spec(config), Context(**config["context"]), watched)
