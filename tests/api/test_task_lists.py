"""`xstilts tasks`: which tasks there are, filtered, and what is known of one."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

import xstilts
from xstilts.api.task_lists import speaks
from xstilts.cli.main import app
from xstilts.tasks import TASKS


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tasks", *arguments])


def names(**filters: object) -> list[str]:
    return [one.name for one in xstilts.list_tasks(**filters)]  # type: ignore[arg-type]


def test_all_tasks_are_listed_in_their_order() -> None:
    assert names() == list(TASKS)


def test_filters_keep_what_is_all_of_them() -> None:
    assert names(groups=["semantic", "retrieval"], format="retrieval") == ["tatoeba", "tatoeba_r"]
    assert "lareqa" in names(groups=["retrieval"]) and "xnli" not in names(groups=["retrieval"])
    assert names(language="eu", format="retrieval") == ["tatoeba", "tatoeba_r"]
    assert names(groups=["syntactic"], format="span_qa") == []


@pytest.mark.parametrize("language", ["pt", "pt-BR", "pt_BR", "PT", "por"])
def test_language_is_found_whatever_it_is_called(language: str) -> None:
    assert "udpos" in names(language=language) and "xnli" not in names(language=language)
    assert speaks(TASKS["udpos"], language)


@pytest.mark.parametrize(
    ("one", "other"),
    [("zho", "zh"), ("zh-Hant-TW", "zh"), ("eng", "en"), ("iw", "he"), ("in", "id"), ("fil", "tl")],
)
def test_words_for_one_language_find_the_same_tasks(one: str, other: str) -> None:
    assert names(language=one) == names(language=other) != []


@pytest.mark.parametrize(
    ("language", "said"),
    [("chinese", r'"chinese"; nearest: zh$'), ("nb", r'"nb"$'), ("", '""$')],
)
def test_language_that_no_task_has_is_refused(language: str, said: str) -> None:
    with pytest.raises(xstilts.InputError, match=said):
        names(language=language)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"name": "xquat"}, 'there is no task "xquat"; nearest: xquad'),
        ({"groups": ["semantical"]}, 'there is no group "semantical"; nearest: semantic'),
        ({"format": "tag"}, 'there is no format "tag"; nearest: tagging'),
        ({"language": "zz"}, 'no built-in task has the language "zz"'),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(filters: dict[str, object], said: str) -> None:
    with pytest.raises(xstilts.InputError, match=said):
        names(**filters)


def test_every_task_is_told_as_json_and_as_text() -> None:
    for name in TASKS:
        done = command(name, "--json")
        (task,) = json.loads(done.stdout)["tasks"]
        assert task["name"] == name and set(task["rows"]) == {"train", "dev", "test"}
        assert name in command(name).stdout


def test_one_task_has_its_sizes_and_how_to_obtain_it() -> None:
    shown = command("tydiqa").stdout
    assert "3,326 rows: train[:90%]" in shown and "113 to 921 rows each" in shown
    assert "to obtain" not in shown and "licence           Apache-2.0" in shown
    assert "ud-treebanks-v2.7.tgz" in command("udpos_r").stdout
    assert "trained on        squad" in command("xquad").stdout


def test_list_is_a_table_with_sizes_and_licence() -> None:
    shown = command("--language", "sw", "--format", "classification").stdout
    (row,) = [line for line in shown.splitlines() if line.startswith("xnli ")]
    assert "392,702" in row and "5,010 each" in row and "CC BY-NC 4.0" in row
    assert "`xstilts tasks NAME` tells more" in shown
    other = command("xnli", "--language", "fi")
    assert (other.exit_code, other.stdout) == (0, "it is not all of this\n")
    nothing = command("--group", "syntactic", "--format", "span_qa")
    assert nothing.exit_code == 0 and "no built-in task is all of this" in nothing.stdout
