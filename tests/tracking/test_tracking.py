"""MLflow as a mirror: against a real SQLite store, with records written by the store's own code."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import build_store, record_file
from xstilts.errors import TrackingError
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, Ledger, State
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep
from xstilts.tracking.pages import experiment_tags
from xstilts.tracking.server import connect
from xstilts.tracking.thread import TrackerThread
from xstilts.tracking.tracker import Tracker, rebuild, tracking_uri
from xstilts.tracking.view import View

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nothing answers there."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A finished sweep and an MLflow database that is still empty."""

    store: Store
    folder: Path
    sweep: Sweep
    uri: str

    @property
    def entries(self) -> list[Entry]:
        return Ledger(self.folder).entries()

    def tracker(self, uri: str | None = None) -> Tracker:
        return Tracker(uri or self.uri, self.sweep, self.store, self.folder)

    def runs(self) -> list[Any]:
        """All runs, as MLflow has them."""
        client = connect(self.uri)
        experiment = client.get_experiment_by_name(f"{self.sweep.name}-v{self.sweep.version}")
        return list(client.search_runs([experiment.experiment_id], max_results=1000))

    def run(self, name: str) -> Any:
        """The run called `name`, complete; fails where there are none or several."""
        (found,) = [run for run in self.runs() if run.info.run_name == name]
        return connect(self.uri).get_run(found.info.run_id)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small finished sweep and an initialised database; each test gets copies."""
    root = tmp_path_factory.mktemp("made")
    store, _ = build_store(
        root / "store",
        seeds=(1,),
        languages=("en", "de"),
        targets=("tags",),
        intermediates=("none", "skill", "broken"),
        examples=40,
    )
    connect(f"sqlite:///{root / 'empty.db'}")
    return store.path, root / "empty.db"


@pytest.fixture
def world(made: tuple[Path, Path], tmp_path: Path) -> World:
    shutil.copytree(made[0], tmp_path / "store")
    shutil.copy(made[1], tmp_path / "store" / "mlflow.db")
    store = Store(tmp_path / "store")
    folder = next(store.sweeps())
    sweep = read_sweep(folder)
    uri = tracking_uri(None, store)
    assert uri is not None
    return World(store=store, folder=folder, sweep=sweep, uri=uri)


# -- what is there


def test_uri_default_and_off_stand_for_the_store_and_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert tracking_uri(None, store) == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking_uri("off", store) is None
    assert tracking_uri("http://host:5000", store) == "http://host:5000"


def test_sync_finished_sweep_makes_one_run_a_phase_under_the_sweep(world: World) -> None:
    keys = {e.phase or e.slot for e in world.entries if e.state not in ("waiting", "blocked")}
    assert world.tracker().sync(world.entries) == len(keys) + 1
    runs = world.runs()
    assert sorted(run.data.tags["xstilts.key"] for run in runs) == sorted([*keys, "sweep"])
    (top,) = [run for run in runs if run.data.tags["xstilts.key"] == "sweep"]
    assert {run.data.tags.get("mlflow.parentRunId") for run in runs} == {None, top.info.run_id}


def test_sync_evaluation_has_scores_gains_and_the_params_of_the_whole_pair(world: World) -> None:
    world.tracker().sync(world.entries)
    run, base = world.run("skill→tags s1"), world.run("none→tags s1")
    scores = {lang: run.data.metrics[f"score/tags/{lang}/chunk_f1"] for lang in ("en", "de")}
    before = {lang: base.data.metrics[f"score/tags/{lang}/chunk_f1"] for lang in ("en", "de")}
    for lang in ("en", "de"):
        assert run.data.metrics[f"gain/tags/{lang}"] == pytest.approx(
            scores[lang] - before[lang], abs=1e-4
        )
    mean = (sum(scores.values()) - sum(before.values())) / 2
    assert (
        run.data.metrics["gain"] == run.data.metrics["gain/tags"] == pytest.approx(mean, abs=1e-4)
    )
    assert not [key for key in base.data.metrics if key.startswith("gain")]
    params = run.data.params
    assert (params["intermediate.task"], params["target.task"], params["model"]) == (
        "skill",
        "tags",
        "base",
    )
    assert (params["intermediate.lr"], params["target.lr"], params["target.steps"]) == (
        "3e-05",
        "5e-05",
        "400",
    )
    assert base.data.params["intermediate.task"] == "none"
    assert "intermediate.lr" not in base.data.params


def test_sync_training_has_curves_by_step(world: World) -> None:
    world.tracker().sync(world.entries)
    run = world.run("skill→tags train s1")
    client = connect(world.uri)
    loss = client.get_metric_history(run.info.run_id, "train/loss")
    dev = client.get_metric_history(run.info.run_id, "dev/value")
    assert [m.step for m in loss] == sorted({m.step for m in loss})
    assert len(loss) == 16
    assert len(dev) == 4
    assert all(run.info.start_time <= m.timestamp <= run.info.end_time for m in loss)
    record = world.store.phase(run.data.tags["xstilts.phase"]).record()
    assert run.data.metrics["dev/best"] == record.trained.dev.value


def test_sync_checkpoint_has_lineage_from_target_to_intermediate(world: World) -> None:
    world.tracker().sync(world.entries)
    client = connect(world.uri)
    training, scoring = world.run("skill→tags train s1"), world.run("skill→tags s1")
    (before,) = training.inputs.model_inputs
    (yielded,) = training.outputs.model_outputs
    intermediate = client.get_logged_model(before.model_id)
    model = client.get_logged_model(yielded.model_id)
    assert intermediate.tags["xstilts.phase"] == training.data.tags["xstilts.intermediate_phase"]
    assert model.tags["xstilts.parent_model"] == before.model_id
    assert model.source_run_id == training.info.run_id
    assert (str(model.status), yielded.step) == ("READY", 400)
    assert (
        Path(model.tags["xstilts.path"])
        == world.store.phase(training.data.tags["xstilts.phase"]).checkpoint()
    )
    assert [i.model_id for i in scoring.inputs.model_inputs] == [yielded.model_id]
    assert "score/tags/de/chunk_f1" in {metric.key for metric in model.metrics}
    (data,) = scoring.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("tags", "e" * 16)


def test_sync_failed_and_pruned_phases_show_their_state(world: World) -> None:
    entries = world.entries
    pruned = entries[-1].model_copy(
        update={
            "slot": "p",
            "kind": "target",
            "state": State.PRUNED,
            "pruned_at": 31.0,
            "phase": "",
            "trial": 7,
            "study": "s",
        }
    )
    world.tracker().sync([*entries, pruned])
    by_state = {run.data.tags.get("xstilts.state"): run for run in world.runs()}
    assert by_state["failed"].info.status == "FAILED"
    assert "out of memory" in by_state["failed"].data.tags["xstilts.error"]
    assert by_state["pruned"].info.status == "KILLED"
    assert by_state["pruned"].data.metrics["dev/best"] == 31.0
    assert "blocked" not in by_state


def test_experiment_saved_views_are_readable_by_the_page() -> None:
    import base64
    import json
    import zlib

    from tests.support.builders import task
    from xstilts.spec.sweep import Model

    sweep = Sweep(
        name="s",
        models=(Model(id="m"),),
        intermediates=("none",),
        targets=("tags",),
        tasks=(task("tags", ("en", "de")),),
    )
    tags = experiment_tags(sweep)
    views = {
        json.loads(v)["name"]: json.loads(v)["state"]
        for k, v in tags.items()
        if "sharedViewState" in k
    }
    assert set(views) == {"Pairs by gain", "Gains by language", "Trainings", "Not finished"}
    state = json.loads(
        zlib.decompress(base64.b64decode(views["Gains by language"].removeprefix("deflate;")))
    )
    assert state["orderByKey"] == "metrics.`gain`"
    assert "metrics.`gain/tags/de`" in state["selectedColumns"]


# -- again and again


def _everything(world: World) -> list[Any]:
    """All that MLflow holds, but for ids that it makes up."""
    client = connect(world.uri)
    rows = []
    for run in world.runs():
        history = [
            (m.key, m.value, m.step, m.timestamp)
            for key in run.data.metrics
            if not key.startswith("phases/")
            for m in client.get_metric_history(run.info.run_id, key)
        ]
        whole = client.get_run(run.info.run_id)
        links = (
            len(whole.inputs.model_inputs),
            len(whole.inputs.dataset_inputs),
            len(whole.outputs.model_outputs),
        )
        tags = {k: v for k, v in run.data.tags.items() if k != "mlflow.parentRunId"}
        rows.append(
            (run.info.run_name, run.info.status, tags, run.data.params, sorted(history), links)
        )
    return sorted(rows, key=str)


def test_sync_twice_from_fresh_trackers_changes_nothing(world: World) -> None:
    first = world.tracker()
    assert first.sync(world.entries) > 0
    before = _everything(world)
    assert first.sync(world.entries) == 0
    assert world.tracker().sync(world.entries) == 0
    assert rebuild(world.store, world.folder, world.uri) == len(before)
    assert _everything(world) == before


@pytest.mark.parametrize(
    "call", ["log_inputs", "finalize_logged_model", "log_outputs", "set_terminated", "log_batch"]
)
def test_sync_killed_in_its_middle_is_completed_by_the_next(
    world: World, made: tuple[Path, Path], call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise Killed
        original(*_, **__)

    calls, original = 0, getattr(MlflowClient, call)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, die)
        with pytest.raises(Killed):
            world.tracker().sync(world.entries)
    assert world.tracker().sync(world.entries) > 0
    interrupted = _everything(world)
    fresh = World(
        store=world.store,
        folder=world.folder,
        sweep=world.sweep,
        uri=f"sqlite:///{world.store.path}/b.db",
    )
    shutil.copy(made[1], world.store.path / "b.db")
    fresh.tracker().sync(fresh.entries)
    whole = _everything(fresh)
    assert [row[0] for row in interrupted] == [row[0] for row in whole]
    assert interrupted == whole


def test_sync_baseline_that_comes_later_adds_the_gains(world: World) -> None:
    entries = world.entries
    first = [e for e in entries if e.intermediate != "none"]
    world.tracker().sync(first)
    assert "gain" not in world.run("skill→tags s1").data.metrics
    world.tracker().sync(entries)
    assert world.run("skill→tags s1").data.metrics["gain"] > 0


def test_sync_running_phase_that_ends_is_the_same_run(world: World) -> None:
    entries = world.entries
    index = next(
        i for i, e in enumerate(entries) if e.kind == "evaluate" and e.intermediate == "skill"
    )
    running = entries[index].model_copy(update={"state": State.RUNNING})
    tracker = world.tracker()
    tracker.sync([*entries[:index], running, *entries[index + 1 :]])
    run = world.run("skill→tags s1")
    assert (run.info.status, world.run(f"{world.sweep.name} v1").info.status) == (
        "RUNNING",
        "RUNNING",
    )
    tracker.sync(entries)
    again = world.run("skill→tags s1")
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")


def test_sync_slot_taken_by_another_phase_marks_the_former(world: World) -> None:
    entries = world.entries
    finals = [e for e in entries if e.kind == "evaluate" and e.phase]
    pair = next(e for e in finals if e.intermediate == "skill")
    other = next(e for e in finals if e.intermediate == "none")
    world.tracker().sync(entries)
    moved = [e if e is not pair else e.model_copy(update={"phase": other.phase}) for e in entries]
    world.tracker().sync(moved)
    roles = {
        run.data.tags["xstilts.key"]: run.data.tags.get("xstilts.role") for run in world.runs()
    }
    assert roles[pair.phase] == "former"
    assert roles[other.phase] == "final"
    assert world.tracker().sync(moved) == 0


def test_sync_run_deleted_by_hand_is_made_again(world: World) -> None:
    world.tracker().sync(world.entries)
    count = len(world.runs())
    connect(world.uri).delete_run(world.run("skill→tags s1").info.run_id)
    assert world.tracker().sync(world.entries) == 1
    assert len(world.runs()) == count


def test_sync_deleted_experiment_raises_what_to_do(world: World) -> None:
    world.tracker().sync(world.entries)
    client = connect(world.uri)
    client.delete_experiment(client.get_experiment_by_name("test-sweep-v1").experiment_id)
    with pytest.raises(TrackingError, match="mlflow experiments restore"):
        world.tracker().sync(world.entries)


def test_sync_damaged_record_is_the_problem_of_its_run_alone(world: World) -> None:
    phase = next(
        e for e in world.entries if e.kind == "evaluate" and e.intermediate == "skill"
    ).phase
    record_file(world.store, phase).write_text('{"id": "tor')
    tracker = world.tracker()
    tracker.sync(world.entries)
    assert list(tracker.problems) == [phase]
    assert "damaged" in tracker.problems[phase]
    assert world.run("none→tags s1").data.metrics
    with pytest.raises(TrackingError, match="damaged"):
        rebuild(world.store, world.folder, world.uri)


def test_sync_many_points_stays_within_the_limits_of_a_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    sizes: list[int] = []
    original = SqlAlchemyStore.log_batch

    def watched(self: Any, run_id: str, metrics: Any, params: Any, tags: Any) -> None:
        sizes.append(len(metrics) + len(params) + len(tags))
        assert len(metrics) <= 1000
        assert max(len(params), len(tags)) <= 100
        original(self, run_id, metrics, params, tags)

    monkeypatch.setattr(SqlAlchemyStore, "log_batch", watched)
    monkeypatch.setattr("xstilts.tracking.run_writer.METRICS_PER_BATCH", 5)
    world.tracker().sync(world.entries)
    assert max(sizes) <= 5 + 100
    monkeypatch.setattr("xstilts.tracking.run_writer.METRICS_PER_BATCH", 800)
    assert world.tracker().sync(world.entries) == 0


def test_view_unchanged_ledger_reads_no_record_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = View(world.sweep, world.store)
    first = view.runs(world.entries)
    monkeypatch.setattr("xstilts.store.phases.Phase.record", lambda self: pytest.fail("read again"))
    assert view.runs(world.entries)[1:] == first[1:]


# -- servers in trouble


def test_connect_server_down_fails_within_seconds(world: World) -> None:
    began = time.monotonic()
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9"):
        world.tracker(NOWHERE).sync(world.entries)
    assert time.monotonic() - began < 20


def test_connect_plain_folder_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=f"sqlite:///{tmp_path}/mlflow.db"):
        connect(str(tmp_path))


def test_connect_damaged_database_says_how_to_rebuild(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(TrackingError, match="xstilts track"):
        connect(f"sqlite:///{tmp_path}/mlflow.db")


def test_connect_unwritable_place_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="give `tracking:` a place"):
        connect(f"sqlite:///{tmp_path}/file/mlflow.db")


def _open(uri: str, barrier: Any) -> None:
    barrier.wait()
    connect(uri).search_experiments()


@pytest.mark.slow
def test_connect_fresh_database_by_several_processes_is_made_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    processes = [context.Process(target=_open, args=(uri, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    _open(uri, threading.Barrier(1))


@contextmanager
def _server(database: Path, port: int) -> Iterator[str]:
    """`mlflow server` on the loopback interface."""
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    process = subprocess.Popen(
        [*command, "--backend-store-uri", f"sqlite:///{database}"],
        env=environment,
        cwd=database.parent,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{uri}/health", timeout=5):
                break
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_thread_real_server_that_goes_and_comes_back_holds_the_same(
    world: World, made: tuple[Path, Path], warnings_: list[str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    remote = world.store.path / "remote.db"
    shutil.copy(made[1], remote)
    thread = TrackerThread(
        world.tracker(f"http://127.0.0.1:{port}"),
        "c",
        warnings_.append,
        first_wait_seconds=0.1,
        longest_wait_seconds=0.5,
    )
    entries = world.entries
    with _server(remote, port):
        thread.submit(entries[:6])
        client = connect(f"http://127.0.0.1:{port}")
        while (found := client.get_experiment_by_name("test-sweep-v1")) is None:
            pass
        while not client.search_runs([found.experiment_id]):
            pass
    thread.submit(entries)
    while not warnings_:
        pass
    with _server(remote, port):
        assert thread.close(120) is None
    assert "run goes on" in warnings_[0]
    assert len(warnings_) <= 2
    world.tracker().sync(entries)
    there = World(
        store=world.store, folder=world.folder, sweep=world.sweep, uri=f"sqlite:///{remote}"
    )
    assert _everything(there) == _everything(world)


# -- in the background


class _Scripted:
    """Stands for the server's side of a tracker: fails as often as it is told."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures, self.error = failures, error or TrackingError("down")
        self.seen: list[int] = []
        self.problems: dict[str, str] = {}
        self.began, self.go = threading.Event(), threading.Event()
        self.go.set()

    def sync(self, entries: Sequence[Entry]) -> int:
        self.began.set()
        self.go.wait(30)
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        self.seen.append(len(entries))
        return len(entries)

    def missing(self, entries: Sequence[Entry]) -> int:
        return len(entries)


@pytest.fixture
def warnings_() -> Iterator[list[str]]:
    yield []


def _thread(tracker: Any, warnings_: list[str]) -> TrackerThread:
    return TrackerThread(
        tracker,
        "xstilts track s.yaml",
        warnings_.append,
        first_wait_seconds=0.01,
        longest_wait_seconds=0.02,
    )


def _entries(count: int) -> list[Entry]:
    return [Entry(slot=str(i), kind="target", model="m", task="t", seed=1) for i in range(count)]


def test_thread_real_tracker_mirrors_the_last_ledger(world: World, warnings_: list[str]) -> None:
    thread = _thread(world.tracker(), warnings_)
    entries = world.entries
    for end in range(1, len(entries) + 1):
        thread.submit(entries[:end])
    assert thread.close(120) is None
    assert world.tracker().sync(entries) == 0
    assert warnings_ == []


def test_thread_ledgers_that_pile_up_are_sent_once(warnings_: list[str]) -> None:
    tracker = _Scripted(0)
    tracker.go.clear()
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(1))
    assert tracker.began.wait(30)
    for count in range(2, 50):
        thread.submit(_entries(count))
    tracker.go.set()
    assert thread.close(30) is None
    assert tracker.seen == [1, 49]


@pytest.mark.parametrize("error", [TrackingError("down"), RuntimeError("a bug")])
def test_thread_server_that_comes_back_is_warned_of_once_and_caught_up(
    warnings_: list[str], error: Exception
) -> None:
    tracker = _Scripted(3, error)
    tracker.go.clear()
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(2))
    tracker.go.set()
    while tracker.failures:
        tracker.began.clear()
        assert tracker.began.wait(30)
    assert thread.close(30) is None
    assert tracker.seen == [2]
    assert len(warnings_) == 2
    assert "run goes on" in warnings_[0]
    assert "is back" in warnings_[1]


def test_thread_close_with_server_away_says_what_is_missing_and_the_command(
    warnings_: list[str],
) -> None:
    thread = _thread(_Scripted(10**9), warnings_)
    thread.submit(_entries(3))
    message = thread.close(30)
    assert message is not None
    assert "lacks 3" in message
    assert "`xstilts track s.yaml`" in message
    assert len(warnings_) == 1


def test_thread_close_with_a_view_that_fails_is_told_and_never_raised(warnings_: list[str]) -> None:
    class Uncountable(_Scripted):
        def missing(self, entries: Sequence[Entry]) -> int:
            raise TypeError("not JSON serializable")

    thread = _thread(Uncountable(10**6, TypeError("not JSON serializable")), warnings_)
    thread.submit(_entries(2))
    told = thread.close(30)
    assert told is not None and told.startswith(
        "MLflow lacks some of the sweep's runs (TypeError: not JSON"
    )


def test_thread_close_with_server_that_hangs_does_not_wait_for_it(warnings_: list[str]) -> None:
    tracker = _Scripted(0)
    tracker.go.clear()
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(3))
    assert tracker.began.wait(30)
    message = thread.close(0.05)
    tracker.go.set()
    assert message is not None
    assert "not finished within 0.05 s" in message


def test_thread_problem_of_one_phase_is_warned_of_once(warnings_: list[str]) -> None:
    tracker = _Scripted(0)
    tracker.problems = {"abc": "damaged"}
    thread = _thread(tracker, warnings_)
    thread.submit(_entries(1))
    thread.submit(_entries(2))
    assert "damaged" in str(thread.close(30))
    assert len([w for w in warnings_ if "abc" in w]) == 1
