"""MLflow as a mirror: against a real SQLite store, with records written by the store's own code."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from tests.support.builders import record_file
from tests.tracking.world import World, everything
from xstilts.errors import InputError, TrackingError
from xstilts.store.ledger import State
from xstilts.store.phases import Store
from xstilts.tracking import tracker
from xstilts.tracking.pair_runs import pair_key
from xstilts.tracking.server import connect
from xstilts.tracking.tracker import Tracker, rebuild, tracking_uri


def test_uri_default_and_off_stand_for_the_store_and_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert tracking_uri(None, store) == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking_uri("off", store) is None
    assert tracking_uri("http://host:5000", store) == "http://host:5000"


def test_sync_store_of_any_path_holds_the_database_and_what_belongs_to_it(
    world: World, tmp_path: Path
) -> None:
    store = Store(tmp_path / "run [v2] 100%20 #1 ü?" / "st ore")
    shutil.copytree(world.store.path, store.path)
    uri = tracking_uri(None, store)
    assert uri is not None
    tracker = Tracker(uri, world.sweep, store, next(store.sweeps()))
    assert tracker.sync(world.entries) == world.tracker().sync(world.entries)
    client = connect(uri)
    experiment = client.get_experiment_by_name(tracker.experiment)
    assert len(client.search_runs([experiment.experiment_id])) == len(world.runs())
    database = sqlite3.connect(store.path / "mlflow.db")
    assert database.execute("SELECT count(*) FROM runs").fetchone() == (len(world.runs()),)
    database.close()
    place = Path(url2pathname(urlsplit(experiment.artifact_location).path))
    assert place == next(store.sweeps()) / "artifacts"
    assert {path.name for path in tmp_path.iterdir()} == {"store", "run [v2] 100%20 #1 ü?"}


def test_sync_finished_sweep_makes_one_run_a_phase_under_its_pair_under_the_sweep(
    world: World,
) -> None:
    ran = [e for e in world.entries if e.state not in ("waiting", "blocked")]
    keys, pairs = {e.phase or e.slot for e in ran}, {*map(pair_key, ran)}
    assert world.tracker().sync(world.entries) == len(keys) + len(pairs) + 1
    runs = world.runs()
    found = sorted(run.data.tags["xstilts.key"] for run in runs)
    assert found == sorted([*keys, *pairs, "sweep"])
    key_of = {run.info.run_id: run.data.tags["xstilts.key"] for run in runs}
    above = {
        run.data.tags["xstilts.key"]: key_of.get(run.data.tags.get("mlflow.parentRunId", ""))
        for run in runs
    }
    assert above.pop("sweep") is None
    assert {above[key] for key in pairs} == {"sweep"}
    assert {above[key] for key in keys} == pairs


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


def test_sync_twice_from_fresh_trackers_changes_nothing(world: World) -> None:
    first = world.tracker()
    assert first.sync(world.entries) > 0
    before = everything(world)
    assert first.sync(world.entries) == 0
    assert world.tracker().sync(world.entries) == 0
    assert rebuild(world.store, world.folder, world.uri).sent == len(before)
    assert everything(world) == before


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
        patch.setattr(tracker, "new_runs", lambda *_: None)
        patch.setattr(MlflowClient, call, die)
        with pytest.raises(Killed):
            world.tracker().sync(world.entries)
    assert world.tracker().sync(world.entries) > 0
    interrupted = everything(world)
    fresh = World(
        store=world.store,
        folder=world.folder,
        sweep=world.sweep,
        uri=f"sqlite:///{world.store.path}/b.db",
    )
    shutil.copy(made[1], world.store.path / "b.db")
    fresh.tracker().sync(fresh.entries)
    whole = everything(fresh)
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
    assert list(rebuild(world.store, world.folder, world.uri).unreadable) == [phase]


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


def test_sync_while_a_sweep_runs_gives_each_model_its_scores_once(world: World) -> None:
    tracker, done = world.tracker(), []
    for entry in world.entries:
        # the record is there before the ledger says so
        tracker.sync([*done, entry.model_copy(update={"state": State.RUNNING})])
        done.append(entry)
    tracker.sync(done)
    rebuild(world.store, world.folder, world.uri)
    client = connect(world.uri)
    run = client.get_run(world.run("skill→tags s1").info.run_id)
    (scored,) = run.inputs.model_inputs
    on_page = [(m.key, m.value) for m in client.get_logged_model(scored.model_id).metrics]
    scores = {key: value for key, value in run.data.metrics.items() if key.startswith("score/")}
    assert {key.split("/")[2] for key in scores} == {"en", "de", "mean"}
    assert sorted(one for one in on_page if one[0] in scores) == sorted(scores.items())


def test_tracking_address_with_a_password_is_refused_and_not_repeated(world: World) -> None:
    with pytest.raises(InputError, match="MLFLOW_TRACKING_PASSWORD") as raised:
        tracking_uri("http://ann:topsecret@mlflow.lab:5000", world.store)
    assert "topsecret" not in str(raised.value)
    assert tracking_uri("http://mlflow.lab:5000", world.store) == "http://mlflow.lab:5000"
