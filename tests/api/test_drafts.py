"""`xstilts init`: what is written passes every check that needs no model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import xstilts
from tests.support import toy
from tests.support.worlds import write_jsonl
from xstilts.cli.main import app
from xstilts.data import task_data
from xstilts.sources.context import DataContext
from xstilts.spec.format_specs import FORMATS


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_names_alone_are_enough(tmp_path: Path) -> None:
    done = command("a.yaml", "--target", "xnli", "--target", "udpos", "--intermediate", "rte")
    assert done.exit_code == 0, done.stderr
    sweep = xstilts.load(tmp_path / "a.yaml")
    assert (sweep.name, sweep.labels, sweep.targets) == ("a", ("none", "rte"), ("xnli", "udpos"))
    assert xstilts.plan(tmp_path / "a.yaml", store=str(tmp_path / "store")).plan.slots


def test_generators_tasks_get_a_model_that_needs_no_download(tmp_path: Path) -> None:
    written = xstilts.init("g.yaml", targets=["gen-tags"])
    assert (written.models, written.intermediates) == (["generator"], ["none", "gen-more"])
    checked = xstilts.check("g.yaml", store=str(tmp_path / "store"), leaks=False)
    assert checked.sweep.models[0].label == "tiny"
    own = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(40)]
    write_jsonl(tmp_path / "own.jsonl", own)
    mine = xstilts.init("m.yaml", models=["generator"], files={"mine": "own.jsonl"})
    assert mine.intermediates == ["none", "gen-more"]


def test_flags_stand_in_the_file(tmp_path: Path) -> None:
    flags = ("--seeds", "4,5", "--trials", "2", "--steps", "77", "--name", "mine")
    done = command("a.yaml", "--target", "xnli", "--model", "a/b", "--model", "c/b", *flags)
    assert done.exit_code == 0, done.stderr
    sweep = xstilts.load(tmp_path / "a.yaml")
    assert (sweep.name, sweep.seeds, sweep.search.trials) == ("mine", (4, 5), 2)
    assert sweep.target.steps == 77 and [m.label for m in sweep.models] == ["b", "b-2"]


def test_file_that_is_there_is_kept_without_force(tmp_path: Path) -> None:
    Path("a.yaml").write_text("mine")
    done = command("a.yaml", "--target", "xnli", "--json")
    assert (
        done.exit_code == 2
        and "--force to replace it" in json.loads(done.stdout)["error"]["message"]
    )
    assert Path("a.yaml").read_text() == "mine"
    forced = command("a.yaml", "--target", "xnli", "--force", "--json")
    assert json.loads(forced.stdout)["file"] == "a.yaml"
    assert xstilts.load("a.yaml").targets == ("xnli",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no target: give --target NAME"),
        (("--target", "xquat"), "--target is xquat, which is no task; nearest: xquad"),
        (("--target", "xnli", "--target", "xnli"), "--target xnli is given twice"),
        (
            ("--target", "xnli", "--intermediate", "squadd"),
            "squadd, which is no task; nearest: squad",
        ),
        (
            ("--target", "xnli", "--intermediate", "tatoeba"),
            "tatoeba, which has no rows that train",
        ),
        (("--target", "none"), "--target is none, which is no task"),
        (("--target", "xnli", "--name", "two words"), "two words"),
        (("--target", "xnli", "--seeds", "a"), "--seeds is a; must be whole numbers"),
        (("--files", "pattern"), "--files is pattern; must be NAME=VALUE"),
        (("--files", "a=x", "--files", "a=y"), "--files has a twice"),
        (("--files", "xnli=x.jsonl"), "--files is xnli, which is a built-in task"),
        (("--files", "a=x.jsonl"), "nothing there"),
        (("--files", "a=x.jsonl", "--format", "tags"), "--format is tags; must be one of"),
    ],
)
def test_what_makes_no_sweep_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = command("a.yaml", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["class", "tags", "qa", "choice", "text"])
def test_own_files_are_read_and_their_rows_fit_what_is_written(kind: str, tmp_path: Path) -> None:
    toy.write_rows(tmp_path / "rows", 24)
    pattern = f"rows/{kind}/{{language}}/{{split}}.jsonl"
    written = xstilts.init("deep/a.yaml", files={"mine": pattern}, intermediates=["rte"])
    task = xstilts.load("deep/a.yaml").task("mine")
    assert task.format == toy.FORMATS[kind][0] and task.languages == ("en", "fi")
    assert task.source.files == (f"../{pattern}",)
    assert written.own[0]["format"] == task.format
    context = DataContext(base=str(tmp_path / "deep"), cache=str(tmp_path / "cache"))
    for action in ("train", "evaluate"):
        assert task_data.check(task, action, context) == []  # type: ignore[arg-type]


def test_own_files_can_be_an_intermediate(tmp_path: Path) -> None:
    table = [{"text": f"t {i}", "label": ("a", "b")[i % 2]} for i in range(30)]
    write_jsonl(tmp_path / "a.jsonl", table)
    done = command("--files", "mine=a.jsonl", "--intermediate", "mine", "--target", "xnli")
    assert done.exit_code == 0, done.stderr
    sweep = xstilts.load("sweep.yaml")
    assert sweep.labels == ("none", "mine") and sweep.targets == ("xnli",)
    assert "mine looks like: classification" in done.stdout


def test_own_files_are_told_what_cannot_be_read_off_them(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"x": f"t {i}", "y": str(i % 5)} for i in range(30)])
    flags = ("--format", "classification", "--columns", "text=x,label=y", "--labels", "0,1,2,3,4")
    done = command("--files", "mine=a.jsonl", *flags, "--languages", "en")
    assert done.exit_code == 0, done.stderr
    task = xstilts.load("sweep.yaml").task("mine")
    assert task.columns == {"text": "x", "label": "y"} and task.labels == tuple("01234")


def test_model_folder_is_seen_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/config.json").write_text("{}")
    xstilts.init("deep/a.yaml", models=["saved"], targets=["xnli"])
    (model,) = xstilts.load("deep/a.yaml").models
    assert model.id == "../saved"  # type: ignore[union-attr]
    xstilts.init("b.yaml", models=["saved"], targets=["xnli"])
    assert xstilts.load("b.yaml").models[0].id == "./saved"  # type: ignore[union-attr]


def test_every_format_stands_in_the_comment_of_an_own_task(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "t"}])
    xstilts.init("a.yaml", files={"mine": "a.jsonl"})
    assert all(name in Path("a.yaml").read_text() for name in FORMATS)
