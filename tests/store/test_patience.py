"""Waiting for a silent store: how long, how often it is asked, and what is told."""

from __future__ import annotations

import threading

import pytest

from xstilts.errors import StoreAway, StoreError
from xstilts.store.patience import FIRST_SECONDS, WAIT_VARIABLE, NoAnswer, Patience, wait_seconds


class Clock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def patience(clock: Clock, told: list[str], *, answered: bool = True) -> Patience:
    found = Patience("s3://bucket/a", ticks=clock, sleep=clock.sleep)
    found.tell, found.answered = told.append, answered
    return found


def silent() -> None:
    raise NoAnswer("it answered 503")


def test_question_that_is_answered_is_asked_once() -> None:
    clock, told = Clock(), []
    assert patience(clock, told).ask(lambda: 3) == 3
    assert clock.slept == [] and told == []


def test_question_without_answer_is_asked_again_with_growing_pauses_until_there_is_one() -> None:
    clock, told = Clock(), []
    left = [*range(12)]

    def question() -> str:
        if left:
            left.pop()
            silent()
        return "here"

    assert patience(clock, told).ask(question) == "here"
    assert len(clock.slept) == 12
    assert clock.slept[0] <= 0.1 and 5 <= clock.slept[-1] <= 10
    assert told[0].startswith("s3://bucket/a does not answer (it answered 503); it is waited for")
    assert told[1:] == ["s3://bucket/a answers again"]


def test_silent_store_is_given_up_after_the_stated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WAIT_VARIABLE, "60")
    clock = Clock()
    with pytest.raises(StoreAway, match=r"did not answer for \d+ s \(it answered 503\)") as error:
        patience(clock, []).ask(silent)
    assert 60 <= clock.now - 100 <= 71
    assert "the same command carries on from here" in str(error.value)


def test_store_that_was_given_up_is_asked_once_until_it_answers() -> None:
    clock = Clock()
    one = patience(clock, [])
    with pytest.raises(StoreAway, match="did not answer for 5 min"):
        one.ask(silent)
    clock.slept.clear()
    for _ in range(3):
        with pytest.raises(StoreAway):
            one.ask(silent)
    assert clock.slept == []
    assert one.ask(lambda: 1) == 1
    with pytest.raises(StoreAway):
        one.ask(silent)
    assert sum(clock.slept) >= 299


def test_store_that_never_answered_is_waited_for_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WAIT_VARIABLE, raising=False)
    clock = Clock()
    with pytest.raises(StoreAway):
        patience(clock, [], answered=False).ask(silent)
    assert FIRST_SECONDS <= clock.now - 100 <= FIRST_SECONDS + 10


def test_answer_that_is_an_error_is_an_answer() -> None:
    clock = Clock()
    one = patience(clock, [], answered=False)

    def refused() -> None:
        raise StoreError("no")

    with pytest.raises(StoreError, match="no"):
        one.ask(refused)
    assert one.answered and clock.slept == []


def test_answer_to_one_thread_ends_the_silence_of_all() -> None:
    one = Patience("s3://bucket/a", sleep=lambda seconds: None)
    asked = threading.Event()

    def slow() -> int:
        if not asked.is_set():
            asked.set()
            silent()
        return 1

    thread = threading.Thread(target=one.ask, args=(slow,))
    thread.start()
    asked.wait()
    assert one.ask(lambda: 2) == 2
    thread.join()
    assert one.answered


@pytest.mark.parametrize("given", ["soon", "-1", "nan", "inf"])
def test_time_that_is_no_number_is_told(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(WAIT_VARIABLE, given)
    with pytest.raises(StoreError, match=f"{WAIT_VARIABLE}={given}: must be a number of seconds"):
        wait_seconds()
