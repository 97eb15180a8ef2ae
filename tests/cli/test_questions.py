"""The questions of `xstilts init`, and how its flags are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xstilts.cli import questions
from xstilts.cli.questions import Answers, ask
from xstilts.errors import InputError


class Person:
    """Answers in order; an empty answer takes what is offered, as on a terminal."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked, self.told = list(answers), list[str](), list[str]()

    def __call__(self, question: str, *, default: str) -> str:
        self.asked.append(question)
        return self.answers.pop(0) or default


def asked(person: Person, given: Answers, own: dict[str, str] | None = None) -> Answers:
    return ask(given, "new.yaml", own or {}, force=False, prompt=person, say=person.told.append)


NOTHING = Answers([], [], [])


def test_empty_answers_take_what_is_offered() -> None:
    found = asked(Person("", "", ""), NOTHING)
    assert found == Answers(["FacebookAI/xlm-roberta-base"], ["squad"], ["xnli", "tatoeba"])


def test_generators_targets_are_offered_what_goes_with_them() -> None:
    found = asked(Person("gen-tags, gen-who", "", ""), NOTHING)
    assert found == Answers(["generator"], ["gen-more"], ["gen-tags", "gen-who"])


def test_only_what_was_not_given_is_asked() -> None:
    person = Person("rte, squad")
    given = Answers(["a/b"], [], ["xnli"])
    assert asked(person, given) == Answers(["a/b"], ["rte", "squad"], ["xnli"])
    assert person.asked == ["Intermediates, separated by commas"]


def test_own_files_are_target_enough() -> None:
    person = Person("mine", "")
    assert asked(person, NOTHING, {"mine": "a.jsonl"}).targets == []
    assert len(person.asked) == 2


def test_wrong_answer_is_told_and_asked_again() -> None:
    person = Person("xnlj", "xnli", "tatoeba", "squad", "")
    assert asked(person, NOTHING).targets == ["xnli"]
    assert person.told[0].startswith("xnlj can't be one; nearest: xnli")
    assert person.told[1].startswith("tatoeba can't be one")


def test_nothing_is_asked_for_a_file_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new.yaml").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        asked(Person(), NOTHING)


def test_flags_are_read_as_lists_pairs_and_numbers() -> None:
    assert questions.listed(" a, b ,,") == ["a", "b"] and questions.listed(None) == []
    assert questions.pairs("--files", ["a = x=y.jsonl"]) == {"a": "x=y.jsonl"}
    assert questions.numbers("--seeds", "1, 2") == [1, 2]
    assert questions.amounts("--price", "3.2, 1") == [3.2, 1.0]
    assert questions.amounts("--price", None) == []
    with pytest.raises(InputError, match=r"--price is 3,x; must be numbers, as 3\.2,0\.8"):
        questions.amounts("--price", "3,x")
    several = questions.columns("choices=a, b,label=c")
    assert several == {"choices": "a,b", "label": "c"} and questions.columns(None) == {}


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (questions.pairs, ["a"]),
        (questions.pairs, ["=x"]),
        (questions.pairs, ["a=1", "a=2"]),
        (questions.numbers, "1,b"),
        (questions.numbers, ""),
    ],
)
def test_flags_of_another_form_are_refused(read: Any, text: Any) -> None:
    with pytest.raises(InputError, match=r"--flag (is|has)"):
        read("--flag", text)
