"""The command line: what it prints, its exit codes, and one JSON value for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from xstilts.cli.main import app
from xstilts.sources.context import DataContext
from xstilts.sweep_file import MIRROR_VARIABLE, load

EXAMPLE = Path(__file__).parents[2] / "sweeps" / "example-own-task.yaml"
VERBS = (
    "check",
    "plan",
    "run",
    "status",
    "scores",
    "report",
    "export",
    "fetch",
    "doctor",
    "track",
    "why",
    "submit",
)


@pytest.fixture(autouse=True)
def _no_mirror_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)


def xstilts(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A sweep file with three mistakes."""
    file = tmp_path / "bad.yaml"
    file.write_text(
        "name: bad\nmodels: [a]\nintermediates: [none, squadd]\ntargets: [xquad]\ntarget: "
        "{lr: x, lrr: 1}\n"
    )
    return file


def test_help_names_every_verb() -> None:
    result = xstilts("--help")
    assert result.exit_code == 0
    assert all(f"\n  {verb} " in result.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_the_common_options(verb: str) -> None:
    shown = xstilts(verb, "--help").stdout
    assert all(option in shown for option in ("--json", "--store", "--mirror", "--tracking"))


def test_check_schema_is_json_without_a_sweep() -> None:
    result = xstilts("check", "--schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "xstilts sweep"


def test_check_without_a_sweep_is_a_usage_error() -> None:
    assert xstilts("check").exit_code == 2


@pytest.mark.parametrize("verb", ["check", "plan", "run", "status", "scores", "report", "track"])
def test_bad_sweep_exits_2_with_every_problem_on_a_line(verb: str, bad: Path) -> None:
    result = xstilts(verb, bad)
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines[:3]] == [f"{bad}:3", f"{bad}:5", f"{bad}:5"]
    assert lines[3] == "3 problems; nothing was started"
    assert "\x1b" not in result.stderr


def test_bad_sweep_with_json_is_one_value_with_lines(bad: Path) -> None:
    result = xstilts("plan", bad, "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["kind"] == "SweepError"
    assert [problem["line"] for problem in error["problems"]] == [3, 5, 5]


def test_missing_sweep_file_exits_2(tmp_path: Path) -> None:
    result = xstilts("plan", tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert "there is no such sweep file" in result.stderr


def test_plan_json_has_what_scripts_need(tmp_path: Path) -> None:
    result = xstilts("plan", EXAMPLE, "--store", tmp_path, "--json")
    assert result.exit_code == 0, result.stderr
    plan = json.loads(result.stdout)
    wanted = {"phases", "trainings", "cached", "shared_savings", "evaluations", "examples", "notes"}
    assert wanted <= set(plan)
    assert set(plan["trainings"]) == {"pretrain", "intermediate", "target"}
    assert plan["cached"] == 0
    assert any(
        note.startswith("tone: train is cut out of another split: train[:75%]")
        for note in plan["notes"]
    )


def test_plan_as_text_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    store = tmp_path / "store"
    plan = json.loads(xstilts("plan", EXAMPLE, "--store", store, "--json").stdout)
    text = xstilts("plan", EXAMPLE, "--store", store).stdout
    assert f"{plan['phases']} phases, 0 of them done" in text
    assert f"{plan['trainings']['target']} target" in text
    assert not store.exists()


@pytest.mark.parametrize("verb", ["status", "scores", "report", "track"])
def test_verb_about_results_before_any_run_says_so(verb: str, tmp_path: Path) -> None:
    result = xstilts(verb, EXAMPLE, "--store", tmp_path, "--json")
    assert result.exit_code == 1
    assert "xstilts run" in json.loads(result.stdout)["error"]["message"]


def test_check_dataset_that_the_mirror_lacks_names_the_command_that_fetches_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "mirror" / "datasets").mkdir(parents=True)
    file = tmp_path / "s.yaml"
    file.write_text("name: x\nmodels: [org/model]\nintermediates: [none]\ntargets: [xquad]\n")
    result = xstilts("check", file, "--mirror", tmp_path / "mirror", "--store", tmp_path / "store")
    assert result.exit_code == 2
    for missing in ("org/model", "rajpurkar/squad", "google/xquad"):
        assert missing in result.stderr
    assert f"xstilts fetch SWEEP --mirror {tmp_path / 'mirror'}" in result.stderr


def test_check_good_sweep_on_real_data(mirror: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: x\nmodels: [local/mini-xlmr]\nintermediates: [none, squad]\ntargets: [tatoeba]\n"
        "tasks: {tatoeba: {languages: [de, sw]}}\n"
    )
    result = xstilts("check", file, "--mirror", mirror, "--store", tmp_path / "store", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["ok"] is True


def test_example_sweep_describes_its_own_files() -> None:
    sweep = load(EXAMPLE)
    assert {task.name for task in sweep.tasks} == {"follows", "tone"}
    assert sweep.task("tone").languages == ("en", "de", "es")
    for task in sweep.tasks:
        for pattern in task.source.files or ():
            name = pattern.replace("{language}", "en").replace("{split}", "train")
            assert (EXAMPLE.parent / name).is_file()


def test_example_data_fits_its_description(tmp_path: Path) -> None:
    from xstilts.data import task_data

    context = DataContext(base=str(EXAMPLE.parent), cache=str(tmp_path))
    sweep = load(EXAMPLE)
    assert task_data.check(sweep.task("follows"), "train", context) == []
    assert task_data.check(sweep.task("tone"), "train", context) == []
    assert task_data.check(sweep.task("tone"), "evaluate", context) == []
    for use in ("train", "dev"):
        rows: Any = task_data.rows(sweep.task("tone"), use, "en", context)
        assert set(rows["label"]) == {0, 1, 2}


def test_fetch_without_a_mirror_says_how_to_name_one() -> None:
    result = xstilts("fetch", EXAMPLE)
    assert result.exit_code == 2
    assert "--mirror DIR" in result.stderr


def test_scores_out_with_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    import pandas as pd

    from xstilts.cli import tables
    from xstilts.errors import InputError

    table = pd.DataFrame({"value": [1.0]})
    tables.write_table(table, str(tmp_path / "t.csv"))
    tables.write_table(table, str(tmp_path / "t.parquet"))
    tables.write_table(table, str(tmp_path / "big.CSV"))
    assert pd.read_parquet(tmp_path / "t.parquet").equals(table)
    with pytest.raises(InputError, match=r"must end in \.csv or \.parquet"):
        tables.write_table(table, str(tmp_path / "t.xlsx"))
