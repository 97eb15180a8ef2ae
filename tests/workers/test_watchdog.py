"""A phase that hangs is noticed, and one that works is let alone."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from xstilts.workers import watchdog
from xstilts.workers.context import Report
from xstilts.workers.watchdog import Watchdog, stacks, stacks_file


class Clock:
    """Time and processor time, in seconds, as a test sets them."""

    def __init__(self) -> None:
        self.now = self.used = 0.0

    def dog(self, seconds: float) -> tuple[Watchdog, list[str]]:
        told: list[str] = []
        return Watchdog(seconds, told.append, lambda: self.now, lambda: self.used), told

    def wait(self, dog: Watchdog, seconds: int, busy: float = 0.0) -> None:
        """Looks once a second."""
        for _ in range(seconds):
            self.now += 1
            self.used += busy
            dog.look()


def at(step: int, doing: str = "") -> Report:
    return Report(step=step, steps=100, doing=doing)


def test_phase_without_a_step_for_longer_than_the_deadline_is_told_once() -> None:
    clock = Clock()
    dog, told = clock.dog(60)
    dog.progress(at(3))
    clock.wait(dog, 60)
    assert told == []
    clock.wait(dog, 60)
    (said,) = told
    assert said.startswith("no progress for 1.0 min at step 3\n\nthread MainThread:\n")
    assert "test_phase_without_a_step_for_longer" in said


def test_phase_that_makes_a_step_now_and_then_is_let_alone() -> None:
    clock = Clock()
    dog, told = clock.dog(60)
    for step in range(1, 9):
        dog.progress(at(step))
        clock.wait(dog, 59)
    assert told == []


def test_same_report_again_is_no_progress() -> None:
    clock = Clock()
    dog, told = clock.dog(60)
    for _ in range(8):
        dog.progress(at(7))
        clock.wait(dog, 10)
    assert len(told) == 1


def test_process_that_computes_before_its_first_step_is_let_alone() -> None:
    clock = Clock()
    dog, told = clock.dog(60)
    dog.progress(at(0, "encoding rows of mnli"))
    clock.wait(dog, 4000, busy=0.3)
    assert told == []
    clock.wait(dog, 62)
    assert told[0].startswith("no progress for 1.0 min while encoding rows of mnli")


def test_evaluation_that_computes_between_two_languages_is_let_alone() -> None:
    clock = Clock()
    dog, told = clock.dog(60)
    dog.progress(at(1))
    dog.progress(at(1, "predicting sw"))
    clock.wait(dog, 4000, busy=0.5)
    assert told == []
    clock.wait(dog, 62)
    assert told[0].startswith("no progress for 1.0 min while predicting sw")


def test_process_that_spins_after_its_first_step_hangs() -> None:
    clock = Clock()
    dog, told = clock.dog(60)
    dog.progress(at(1))
    clock.wait(dog, 62, busy=1.0)
    assert len(told) == 1


def test_process_that_was_stopped_itself_gets_its_time_back() -> None:
    clock = Clock()
    dog, told = clock.dog(60)
    dog.progress(at(5))
    clock.wait(dog, 50)
    clock.now += 3600  # SIGSTOP
    clock.wait(dog, 50)
    assert told == []


def test_thread_notices_a_hang_and_names_the_line_where_it_is() -> None:
    told: list[str] = []
    freed = threading.Event()

    def tell(said: str) -> None:
        told.append(said)
        freed.set()

    dog = Watchdog(0.3, tell)
    dog.progress(at(2))
    with dog.watching():
        assert freed.wait(timeout=20)
    assert "freed.wait(timeout=20)" in told[0]


def test_deadline_of_zero_watches_nothing() -> None:
    dog = Watchdog(0, pytest.fail)
    before = threading.active_count()
    with dog.watching():
        assert threading.active_count() == before


def test_stacks_of_a_process_whose_python_stands_still_are_in_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import ctypes

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dog = Watchdog(0.2, lambda said: None)
    dog.progress(at(1))
    with dog.watching():
        until = time.monotonic() + 20
        while time.monotonic() < until and not (*tmp_path.glob("*.txt"),):
            time.sleep(0.01)
        time.sleep(0.1)
        ctypes.PyDLL(None).usleep(900_000)  # keeps Python's lock
        (file,) = tmp_path.glob("*.txt")
        assert "test_stacks_of_a_process_whose_python_stands_still" in file.read_text()
    assert not file.exists()


def test_stacks_begin_with_the_thread_that_is_asked_for() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="the phase", daemon=True)
    thread.start()
    assert thread.ident is not None
    try:
        assert stacks(thread.ident).startswith("thread the phase:\n")
    finally:
        over.set()
    assert stacks_file(7).name == "xstilts-stacks-7.txt"
    assert watchdog.LATEST_LOOK_SECONDS > 0
