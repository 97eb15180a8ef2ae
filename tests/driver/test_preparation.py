"""Which slots wait for their rows, and which tasks are begun for them; Ray itself is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import ray

from tests.support.sweeps import small
from xstilts.driver import preparation
from xstilts.driver.preparation import AT_ONCE, Preparation
from xstilts.planning import make_plan
from xstilts.planning.filling import Revisions
from xstilts.spec.hyperparameters import Choice, Settings


class FakeRay:
    """Tasks that end when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there = True
        self.asked: list[dict[str, Any]] = []
        self.begun: list[str] = []
        self.ended: set[str] = set()
        monkeypatch.setattr(ray, "is_initialized", lambda: self.there)
        monkeypatch.setattr(ray, "remote", self._remote)
        monkeypatch.setattr(ray, "wait", self.wait)
        monkeypatch.setattr(preparation, "LOOK_SECONDS", 0.0)

    def _remote(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return lambda function: Task(self)

    def wait(self, tasks: Sequence[str], **more: Any) -> tuple[list[str], list[str]]:
        return [one for one in tasks if one in self.ended], []


class Task:
    """What `ray.remote(...)(function)` gives."""

    def __init__(self, world: FakeRay) -> None:
        self.world = world

    def remote(self, key: str, spec: dict[str, Any], context: dict[str, Any]) -> str:
        name = "+".join(member["task"]["name"] for member in spec["members"])
        self.world.begun.append(f"{spec['action']} {name}")
        assert context["threads"] == 3 and key
        return self.world.begun[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    return FakeRay(monkeypatch)


def opened(folder: Path, **changes: Any) -> tuple[Preparation, dict[str, Any]]:
    plan = make_plan(small(**changes))
    slots = {slot.key.removeprefix("model/"): slot for slot in plan.slots}
    return Preparation(plan, Revisions(), {"store": str(folder), "threads": 3}), slots


def test_rows_are_lacking_until_their_task_has_ended(world: FakeRay, tmp_path: Path) -> None:
    found, slots = opened(tmp_path)
    assert found.lacks(slots["good/t0"])
    assert found.lacks(slots["good/t1"])
    assert world.begun == ["train good"]
    assert found.doing() == "tokenising rows of good"
    world.ended.add("train good")
    assert not found.lacks(slots["good/t0"])
    assert not found.lacks(slots["good/t2"])
    assert found.doing() == ""


def test_rows_of_a_target_are_tokenised_once_for_all_pairs(world: FakeRay, tmp_path: Path) -> None:
    found, slots = opened(tmp_path)
    for key in ("none>tags/t0", "good>tags/t0", "bad>tags/t1"):
        found.lacks(slots[key])
    assert world.begun == ["train tags"]
    found.lacks(slots["good>tags/eval/s1"])
    assert world.begun == ["train tags", "evaluate tags"]


def test_tasks_hold_one_cpu_and_no_gpu(world: FakeRay, tmp_path: Path) -> None:
    found, slots = opened(tmp_path)
    found.lacks(slots["good/t0"])
    assert world.asked == [{"num_cpus": 1, "num_gpus": 0, "max_retries": 2}]


def test_few_tasks_run_at_once(world: FakeRay, tmp_path: Path) -> None:
    found, slots = opened(tmp_path)
    lacking = ["good/t0", "bad/t0", "none>tags/t0"]
    assert all(found.lacks(slots[key]) for key in lacking)
    assert len(world.begun) == AT_ONCE == 2
    world.ended.add("train good")
    assert [found.lacks(slots[key]) for key in lacking] == [False, True, True]
    assert world.begun[2:] == ["train tags"]


def test_nothing_begins_before_ray_is_there(world: FakeRay, tmp_path: Path) -> None:
    found, slots = opened(tmp_path)
    world.there = False
    assert found.lacks(slots["good/t0"])
    assert world.begun == []


def test_rows_in_a_form_that_is_searched_are_left_to_the_phase(
    world: FakeRay, tmp_path: Path
) -> None:
    searched = Settings(lr=1e-4, max_length_tokens=Choice(choice=(32, 64)))
    found, slots = opened(tmp_path, target=searched)
    world.there = False
    assert not found.lacks(slots["none>tags/t0"])


def test_rows_of_an_earlier_run_need_no_task(
    world: FakeRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, slots = opened(tmp_path)
    found.lacks(slots["good/t0"])
    monkeypatch.setattr("xstilts.training.preparation.prepare", lambda spec, worker: None)
    (key,) = found._under_way
    preparation._prepare(
        key, found._specs[key].model_dump(mode="json"), {"store": str(tmp_path), "threads": 3}
    )
    again, _ = opened(tmp_path)
    world.there = False
    assert not again.lacks(slots["good/t1"])
    assert again.lacks(slots["bad/t0"])
