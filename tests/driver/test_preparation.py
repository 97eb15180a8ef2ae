"""Which slots wait for their rows, and which tasks are begun for them; Ray itself is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import ray

from tests.support.sweeps import small
from xstilts.driver import preparation
from xstilts.driver.preparation import AT_ONCE, Preparation
from xstilts.planning import make_plan
from xstilts.planning.filling import Revisions
from xstilts.spec.hyperparameters import Choice, Settings

CONTEXT = {"store": "s", "threads": 3}


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

    def remote(self, spec: dict[str, Any], context: dict[str, Any]) -> str:
        name = "+".join(member["task"]["name"] for member in spec["members"])
        self.world.begun.append(f"{spec['action']} {name}")
        assert context == CONTEXT
        return self.world.begun[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    return FakeRay(monkeypatch)


def opened(**changes: Any) -> tuple[Preparation, dict[str, Any]]:
    plan = make_plan(small(**changes))
    slots = {slot.key.removeprefix("model/"): slot for slot in plan.slots}
    return Preparation(plan, Revisions(), CONTEXT), slots


def test_rows_are_lacking_until_their_task_has_ended(world: FakeRay) -> None:
    found, slots = opened()
    assert found.lacks(slots["good/t0"])
    assert found.lacks(slots["good/t1"])
    assert world.begun == ["train good"]
    assert found.doing() == "tokenising rows of good"
    world.ended.add("train good")
    assert not found.lacks(slots["good/t0"])
    assert not found.lacks(slots["good/t2"])
    assert found.doing() == ""


def test_rows_of_a_target_are_tokenised_once_for_all_pairs(world: FakeRay) -> None:
    found, slots = opened()
    for key in ("none>tags/t0", "good>tags/t0", "bad>tags/t1"):
        found.lacks(slots[key])
    assert world.begun == ["train tags"]
    found.lacks(slots["good>tags/eval/s1"])
    assert world.begun == ["train tags", "evaluate tags"]


def test_tasks_hold_cpus_and_no_gpu(world: FakeRay) -> None:
    found, slots = opened()
    found.lacks(slots["good/t0"])
    assert world.asked == [{"num_cpus": 3, "num_gpus": 0, "max_retries": 2}]


def test_few_tasks_run_at_once(world: FakeRay) -> None:
    found, slots = opened()
    lacking = ["good/t0", "bad/t0", "none>tags/t0"]
    assert all(found.lacks(slots[key]) for key in lacking)
    assert len(world.begun) == AT_ONCE == 2
    world.ended.add("train good")
    assert [found.lacks(slots[key]) for key in lacking] == [False, True, True]
    assert world.begun[2:] == ["train tags"]


def test_nothing_begins_before_ray_is_there(world: FakeRay) -> None:
    found, slots = opened()
    world.there = False
    assert found.lacks(slots["good/t0"])
    assert world.begun == []


def test_rows_in_a_form_that_is_searched_are_left_to_the_phase(world: FakeRay) -> None:
    searched = Settings(lr=1e-4, max_length_tokens=Choice(choice=(32, 64)))
    found, slots = opened(target=searched)
    world.there = False
    assert not found.lacks(slots["none>tags/t0"])
