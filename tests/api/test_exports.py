"""`xstilts export`: a sweep's checkpoint in a folder, and everything that can be wrong before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import xstilts
from tests.support import toy
from xstilts.cli.main import app
from xstilts.sources import uploads
from xstilts.spec.phase import PhaseSpec
from xstilts.spec.sweep import Model, Sweep
from xstilts.store.ledger import Entry, Ledger, StagePhase, State
from xstilts.store.phases import Store
from xstilts.store.sweeps import keep_sweep
from xstilts.training.phase import run_phase


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep: one intermediate, a trained target and a retrieval, one seed."""
    world = tmp_path_factory.mktemp("world")
    base = toy.base_model(world / "base")
    toy.write_rows(world / "rows", 24)
    tasks = {kind: toy.task(kind, world / "rows") for kind in ("class", "tags", "pairs")}
    sweep = Sweep(
        name="s",
        models=(Model(id=base, name="toy"),),
        intermediates=("none", "class"),
        targets=("tags", "pairs"),
        seeds=(1, 2),
        tasks=tuple(tasks.values()),
        store=str(world / "store"),
    )
    store = Store(world / "store").prepare()
    folder = store.sweep_folder("s", 1)
    keep_sweep(folder, sweep)
    ledger = Ledger(folder)

    def done(spec: PhaseSpec, kind: str, task: str, lineage: tuple[StagePhase, ...]) -> None:
        run_phase(spec, toy.context(store.path), toy.silent)
        ledger.write(
            Entry(
                slot=f"{kind}/{task}/{spec.id}",
                kind=kind,  # type: ignore[arg-type]
                model="toy",
                intermediate="class" if lineage else "none",
                target=task if task != "class" else "",
                task=task,
                seed=1,
                phase=spec.id,
                lineage=lineage,
                state=State.DONE,
            )
        )

    first = toy.training(base, [tasks["class"]])
    before = (StagePhase(kind="intermediate", task="class", phase=first.id),)
    done(first, "intermediate", "class", before)
    second = toy.training(base, [tasks["tags"]], parent=toy.PhaseParent(phase=first.id))
    both = (*before, StagePhase(kind="target", task="tags", phase=second.id))
    done(second, "target", "tags", both)
    done(toy.evaluation(second, tasks["tags"]), "evaluate", "tags", both)
    done(toy.evaluation(first, tasks["pairs"]), "evaluate", "pairs", before)
    root = toy.ModelParent(model=base, revision="r")
    done(toy.evaluation(root, tasks["pairs"]), "evaluate", "pairs", ())
    return folder


def test_export_writes_a_model_that_a_pipeline_opens_with_its_card(
    ran: Path, tmp_path: Path
) -> None:
    from transformers import pipeline

    written = xstilts.export(ran, "class/tags", tmp_path / "deep" / "out")
    assert written.to == str(tmp_path / "deep" / "out") and written.seed == 1
    assert written.model_class == "AutoModelForTokenClassification"
    assert {"README.md", "config.json", "model.safetensors"} <= set(written.files)
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["out"]
    tagger = pipeline("token-classification", model=written.to, device="cpu")
    stored = Store(ran.parent.parent).phase(written.evaluation).predictions("fi")
    rows = (ran.parents[2] / "rows/tags/fi/test.jsonl").read_text().splitlines()
    found = tagger([" ".join(json.loads(row)["tokens"]) for row in rows])
    tags = [json.loads(one) for one in stored["prediction"].to_pylist()]
    assert [[one["entity"] for one in words] for words in found] == tags


def test_card_names_no_path_of_this_machine(ran: Path, tmp_path: Path) -> None:
    written = xstilts.export(ran, "class→tags", tmp_path / "out")
    for name in ("README.md", "config.json", "tokenizer_config.json"):
        assert str(ran.parents[2]) not in (Path(written.to) / name).read_text(), name
    assert "xstilts export SWEEP class/tags --to out" in (tmp_path / "out/README.md").read_text()


def test_command_of_a_card_can_be_pasted_into_a_shell(ran: Path, tmp_path: Path) -> None:
    xstilts.export(ran, "class/tags", tmp_path / "my model; rm", body=True)
    card = (tmp_path / "my model; rm/README.md").read_text()
    assert "xstilts export SWEEP class/tags --to 'my model; rm' --body" in card


def test_command_prints_one_json_value(ran: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    arguments = ["export", str(ran), "class/pairs", "--to", out, "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["to"] == out


def test_body_is_written_alone_where_it_is_asked_for(ran: Path, tmp_path: Path) -> None:
    written = xstilts.export(ran, "class/tags", tmp_path / "out", body=True)
    assert written.model_class == "AutoModel"
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert config["architectures"] == ["XLMRobertaModel"]


class Kept:
    """The hub as a folder."""

    def __init__(self, folder: Path, wrong: str = "") -> None:
        self.folder, self.wrong, self.private = folder, wrong, list[bool]()

    def ready(self, repository: str) -> None:
        if self.wrong:
            raise xstilts.DataError(self.wrong)

    def upload(self, repository: str, folder: Path, *, private: bool, message: str) -> str:
        self.private.append(private)
        shutil.copytree(folder, self.folder / repository, dirs_exist_ok=True)
        return f"https://hub/{repository}"


def test_export_to_the_hub_sends_the_same_files_privately(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Kept(tmp_path)
    monkeypatch.setattr(uploads, "UPLOADS", hub)
    written = xstilts.export(ran, "class/tags", "hub:me/tagger")
    assert written.to == "https://hub/me/tagger"
    assert sorted(p.name for p in (tmp_path / "me/tagger").iterdir()) == written.files
    assert 'model="me/tagger"' in (tmp_path / "me/tagger/README.md").read_text()
    xstilts.export(ran, "class/tags", "hub:me/tagger", public=True)
    assert hub.private == [True, False]


def test_hub_out_of_reach_is_known_before_anything_is_written(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UPLOADS", Kept(tmp_path, "no token"))
    monkeypatch.setattr("xstilts.api.exports._write", None)
    with pytest.raises(xstilts.DataError, match="no token"):
        xstilts.export(ran, "class/tags", "hub:me/tagger")
    assert list(tmp_path.iterdir()) == []


def test_pair_that_scores_the_base_model_itself_has_nothing_to_export(
    ran: Path, tmp_path: Path
) -> None:
    with pytest.raises(xstilts.InputError, match="nothing was trained, so there is nothing"):
        xstilts.export(ran, "none/pairs", tmp_path / "out")


def test_folder_that_holds_something_is_left_alone(ran: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("x")
    with pytest.raises(xstilts.InputError, match="give a new or empty folder"):
        xstilts.export(ran, "class/tags", tmp_path / "full")
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    xstilts.export(ran, "class/pairs", tmp_path / "empty")


def test_folder_that_cannot_be_made_is_named(ran: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(xstilts.XstiltsError, match=r"--to is .*/file/out, which can't be written"):
        xstilts.export(ran, "class/tags", tmp_path / "file" / "out")


def test_checkpoint_that_is_gone_is_named_and_nothing_is_left(ran: Path, tmp_path: Path) -> None:
    copy = tmp_path / "store"
    shutil.copytree(ran.parent.parent, copy)
    written = xstilts.export(ran, "class/tags", tmp_path / "first")
    shutil.rmtree(copy / "phases" / written.phase / "model")
    told = r"the checkpoint of class→tags can't be used: .*config\.json is missing; `xstilts run`"
    with pytest.raises(xstilts.XstiltsError, match=told):
        xstilts.export(copy / "sweeps/s-v1", "class/tags", tmp_path / "out")
    (copy / "phases" / written.phase / "model").mkdir()
    shutil.copy(tmp_path / "first/config.json", copy / "phases" / written.phase / "model")
    with pytest.raises(xstilts.XstiltsError):
        xstilts.export(copy / "sweeps/s-v1", "class/tags", tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "store"]


def test_head_without_an_equal_offers_the_body(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from xstilts.formats import tagging

    monkeypatch.setattr(tagging, "exported", replace(tagging.exported, layers=()))
    said = "class→tags can't be exported with its head: .*; --body writes the body alone"
    with pytest.raises(xstilts.InputError, match=said):
        xstilts.export(ran, "class/tags", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_sweep_that_has_not_run_says_so(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("name: s\nmodels: [m]\nintermediates: [none]\ntargets: [xnli]\n")
    with pytest.raises(xstilts.XstiltsError, match="nothing has been run yet"):
        xstilts.export(file, "none/xnli", tmp_path / "out", store=str(tmp_path / "store"))
