"""Faults on a real cluster of several nodes on this machine. Each run ends with the scores of an
undisturbed one, and repeats no more than what followed the last partial checkpoint.

`python tests/benchmarks/faults.py` prints the same cases as a table.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support import fault_cases
from tests.support.fault_cases import Case
from xstilts.store.lease import LEASE_SECONDS, RENEWALS

pytestmark = [pytest.mark.ray, pytest.mark.slow]

RENEWAL_SECONDS = LEASE_SECONDS / RENEWALS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of a run to which nothing happens."""
    return fault_cases.undisturbed(tmp_path_factory.mktemp("whole"))


def assert_as_if_nothing_had_happened(case: Case, whole: dict[str, Any]) -> None:
    assert case.outcome["failures"] == []
    assert case.results == whole
    assert case.repeated <= case.allowed


def test_raylet_killed_hands_the_phase_to_another_node_as_no_failure(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    case = fault_cases.raylet_killed(tmp_path)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.attempts == {1}
    assert "lost its node once" in "".join(case.outcome["warnings"])


def test_lease_of_a_worker_on_a_lost_machine_is_not_waited_for(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    case = fault_cases.raylet_killed(tmp_path, strangers=True)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.seconds < LEASE_SECONDS - RENEWAL_SECONDS


def test_raylet_that_stays_a_zombie_is_a_lost_node_like_any_other(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    case = fault_cases.raylet_killed(tmp_path, reap=False, strangers=True)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.attempts == {1}


def test_trainer_that_wakes_beside_its_replacement_keeps_nothing_more(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    case, noted = fault_cases.stopped_and_replaced(tmp_path)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.attempts == {1}
    assert "partial" not in {one.word for one in noted}


def test_head_restarted_from_disk_is_waited_for(tmp_path: Path, whole: dict[str, Any]) -> None:
    assert_as_if_nothing_had_happened(fault_cases.head_restarted(tmp_path), whole)


def test_cluster_lost_carries_on_on_another_with_the_same_command(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    assert_as_if_nothing_had_happened(fault_cases.cluster_lost(tmp_path), whole)


def test_driver_killed_carries_on_with_the_same_command(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    assert_as_if_nothing_had_happened(fault_cases.driver_killed(tmp_path), whole)


def test_second_driver_is_refused_and_disturbs_nothing(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    case = fault_cases.second_driver(tmp_path)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.repeated == 0


def test_train_worker_killed_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    whole = fault_cases.undisturbed(tmp_path / "whole", workers=2)
    assert_as_if_nothing_had_happened(fault_cases.train_worker_killed(tmp_path / "hit"), whole)


def test_preemption_notice_hands_the_phase_over_without_a_step_repeated(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    case = fault_cases.preempted(tmp_path)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.repeated == 0 and case.attempts == {1}
    assert "left its node, which was to go, once" in "".join(case.outcome["warnings"])


@pytest.mark.parametrize("how", ["sleep", "lock"])
def test_hanging_phase_is_ended_tried_again_and_named_with_its_stacks(
    tmp_path: Path, whole: dict[str, Any], how: str
) -> None:
    case = fault_cases.hanging(tmp_path, how)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.attempts == {1, 2}
    (said,) = [one for one in case.outcome["warnings"] if "it hung" in one]
    (stacks,) = (Path(case.outcome["folder"]) / "hung").iterdir()
    assert str(stacks) in said and "_hang" in stacks.read_text()


def test_hanging_group_of_workers_is_ended_with_the_stacks_of_all_and_tried_again(
    tmp_path: Path,
) -> None:
    whole = fault_cases.undisturbed(tmp_path / "whole", workers=2)
    case = fault_cases.hanging(tmp_path / "hit", "sleep", workers=2)
    assert_as_if_nothing_had_happened(case, whole)
    (stacks,) = (Path(case.outcome["folder"]) / "hung").iterdir()
    text = stacks.read_text()
    assert "worker 0: no progress" in text and "worker 1: no progress" in text
    assert "_hang" in text


def test_phase_that_hangs_each_time_fails_with_its_stacks_in_the_ledger(tmp_path: Path) -> None:
    outcome = fault_cases.always_hanging(tmp_path)
    failed = next(one for one in outcome["failures"] if one["state"] == "failed")
    assert "it hung: no progress" in failed["error"] and "_hang" in failed["error"]
    told = "".join(outcome["warnings"])
    assert len({*re.findall(r"on node \S+ \((\w+)\)", told)}) == 2  # tried again on the other
    assert outcome["exit_code"] == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_short_of_memory_halves_micro_batches_and_says_so(tmp_path: Path, workers: int) -> None:
    whole = fault_cases.undisturbed(tmp_path / "whole", dropout=0.0, workers=workers)
    case = fault_cases.short_of_memory(tmp_path / "hit", workers)
    assert case.outcome["failures"] == [] and case.repeated == 0 and case.attempts == {1}
    (said,) = [one for one in case.outcome["warnings"] if "memory ran out" in one]
    assert "1/2 of their rows" in said
    for slot, result in whole.items():
        if "loss" in result:
            assert case.results[slot]["loss"] == pytest.approx(result["loss"], abs=1e-4)


def test_tracking_away_for_the_whole_run_has_each_phase_once_afterwards(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    case, tracked = fault_cases.tracking_away(tmp_path)
    assert_as_if_nothing_had_happened(case, whole)
    assert "xstilts track" in "".join(case.outcome["warnings"])
    first, second = tracked
    assert first == second and len(set(first)) == len(first) == len(case.results)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_run_told_to_end_keeps_a_checkpoint_and_repeats_no_step(
    tmp_path: Path, whole: dict[str, Any], how: signal.Signals
) -> None:
    case = fault_cases.told_to_end(tmp_path, how)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.repeated == 0


def test_run_told_to_end_keeps_a_checkpoint_of_a_group_of_workers(tmp_path: Path) -> None:
    whole = fault_cases.undisturbed(tmp_path / "whole", workers=2)
    case = fault_cases.told_to_end(tmp_path / "hit", signal.SIGTERM, workers=2)
    assert_as_if_nothing_had_happened(case, whole)
    assert case.repeated == 0
