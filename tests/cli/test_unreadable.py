"""Damaged stores through the command line: what can be read is shown, the rest is named, exit 1."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner, Result

from tests.support.builders import build_store, predictions_file, record_file
from xstilts.cli.main import app
from xstilts.driver.choosing import blank_entry
from xstilts.planning import make_plan
from xstilts.store.doubts import Doubt, keep_doubts
from xstilts.store.ledger import Entry, Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep


class World(NamedTuple):
    """A finished sweep that a test may damage."""

    store: Store
    folder: Path

    def evaluation(self, intermediate: str, target: str, seed: int = 1) -> str:
        """Phase of a pair's final scores."""
        return self._phase("evaluate", intermediate, target, seed)

    def training(self, intermediate: str, target: str, seed: int = 1) -> str:
        """Phase of the training that they are of."""
        return self._phase("target", intermediate, target, seed)

    def _phase(self, kind: str, intermediate: str, target: str, seed: int) -> str:
        wanted = (kind, intermediate, target, seed)
        (phase,) = {entry.phase for entry in self.entries if _key(entry) == wanted}
        return phase

    @property
    def entries(self) -> list[Entry]:
        """The ledger's."""
        return Ledger(self.folder).entries()


def _key(entry: Entry) -> tuple[str, str, str, int]:
    final = entry.kind if entry.role == "final" else "trial"
    return final, entry.intermediate, entry.target, entry.seed


def xstilts(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store, _ = build_store(
        tmp_path_factory.mktemp("made") / "store",
        targets=("tags", "pairs"),
        intermediates=("none", "skill", "noise"),
        languages=("en", "de"),
        examples=20,
    )
    return store.path


@pytest.fixture
def world(made: Path, tmp_path: Path) -> World:
    store = Store(shutil.copytree(made, tmp_path / "store"))
    return World(store, next(store.sweeps()))


@pytest.fixture
def planned(world: World) -> World:
    """The same with the plan's own slots in its ledger, which `status` counts."""
    have = {_key(entry): entry for entry in world.entries}
    ledger = Ledger(world.folder)
    for slot in make_plan(read_sweep(world.folder)).slots:
        if entry := have.get(_key(blank_entry(slot))):
            ledger.write(entry, slot=slot.key)
    return world


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    """One bit of a number's digit becomes another digit."""
    content = bytearray(path.read_bytes())
    at = content.rindex(b'"value": ') if b'"value": ' in content else content.index(b'"en": {')
    at = next(i for i in range(at, len(content)) if chr(content[i]).isdigit())
    content[at] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {"cut": _cut, "flipped": _flip, "missing": Path.unlink}
HINT = "`xstilts run SWEEP` makes what is damaged again"


def _rows(text: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


@pytest.mark.parametrize("how", DAMAGES)
def test_scores_of_a_damaged_baseline_keep_its_column_and_exit_with_1(
    world: World, how: str
) -> None:
    for seed in (1, 2):
        DAMAGES[how](record_file(world.store, world.evaluation("none", "pairs", seed)))
    ran = xstilts("scores", world.folder)
    assert ran.exit_code == 1
    rows = _rows(ran.stdout)
    assert rows.count(["language", "none", "skill", "noise"]) == 2
    (mean,) = (row for row in rows if row[0] == "mean" and "not readable" in row)
    assert mean[1] == "not readable" and float(mean[2]) > float(mean[3])
    lines = ran.stderr.splitlines()
    assert len(lines) == 3 and lines[2] == HINT
    for seed, line in enumerate(lines[:2], 1):
        phase = world.evaluation("none", "pairs", seed)
        assert line.startswith(
            f"not readable: base, none → pairs, seed {seed}, phase {phase}: phases/{phase}"
        )


@pytest.mark.parametrize("how", DAMAGES)
def test_scores_with_json_say_in_one_value_what_is_not_readable(world: World, how: str) -> None:
    whole = json.loads(xstilts("scores", world.folder, "--json").stdout)
    phase = world.evaluation("skill", "tags")
    DAMAGES[how](record_file(world.store, phase))
    ran = xstilts("scores", world.folder, "--json")
    assert ran.exit_code == 1
    rows = json.loads(ran.stdout)
    assert [row for row in rows if "unreadable" not in row] == [
        row for row in whole if row["phase"] != phase
    ]
    (lost,) = (row for row in rows if "unreadable" in row)
    named = lost["intermediate"], lost["target"], lost["seed"], lost["phase"], lost["value"]
    assert named == ("skill", "tags", 1, phase, None)
    assert phase in lost["unreadable"] and phase in ran.stderr


def test_scores_of_one_damaged_seed_say_which_one_the_means_lack(world: World) -> None:
    _cut(record_file(world.store, world.evaluation("none", "pairs", 2)))
    ran = xstilts("scores", world.folder)
    assert ran.exit_code == 1
    assert ["language", "none (seed 2 not readable)", "skill", "noise"] in _rows(ran.stdout)


def test_scores_with_a_damaged_training_have_all_rows_and_exit_with_1(world: World) -> None:
    whole = xstilts("scores", world.folder)
    phase = world.training("skill", "tags")
    _cut(record_file(world.store, phase))
    ran = xstilts("scores", world.folder)
    assert (ran.exit_code, ran.stdout) == (1, whole.stdout)
    assert f"base, skill → tags, seed 1 (training), phase {phase}" in ran.stderr


def test_scores_to_a_file_hold_what_can_be_read(world: World, tmp_path: Path) -> None:
    import pandas as pd

    _cut(record_file(world.store, world.evaluation("none", "pairs")))
    ran = xstilts("scores", world.folder, "--out", tmp_path / "a.parquet")
    assert ran.exit_code == 1
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert len(frame) and not frame.attrs
    assert xstilts("scores", world.folder, "--json").exit_code == 1


@pytest.mark.parametrize("how", DAMAGES)
def test_report_of_a_damaged_baseline_says_so_in_each_place(world: World, how: str) -> None:
    for seed in (1, 2):
        DAMAGES[how](record_file(world.store, world.evaluation("none", "pairs", seed)))
    ran = xstilts("report", world.folder)
    assert ran.exit_code == 1
    assert ran.stderr.count("not readable: base, none → pairs") == 2
    rows = _rows(ran.stdout)
    assert ["target", "metric", "none", "skill", "noise"] in rows
    assert ["pairs", "not readable"] in rows
    html = (world.folder / "report" / "report.html").read_text()
    markdown = (world.folder / "report" / "report.md").read_text()
    assert html.index('id="problems"') < html.index('id="headline"')
    assert markdown.index("Not everything could be read") < markdown.index("## Headline")
    for text in (html, markdown):
        assert text.count("baseline not readable") == 2  # of skill and of noise
        assert "seed 1: not readable; seed 2: not readable" in text
        assert all(world.evaluation("none", "pairs", seed) in text for seed in (1, 2))


@pytest.mark.parametrize("how", ["cut", "missing"])
def test_report_of_damaged_predictions_names_language_and_file(world: World, how: str) -> None:
    phase = world.evaluation("skill", "tags")
    DAMAGES[how](predictions_file(world.store, phase, "de"))
    ran = xstilts("report", world.folder, "--json")
    assert ran.exit_code == 1
    value = json.loads(ran.stdout)
    assert Path(value["files"]["html"]).is_file()
    (one,) = value["unreadable"]
    assert (one["phase"], one["part"], one["language"]) == (phase, "predictions", "de")
    assert f"phases/{phase}/predictions/de.parquet" in one["message"]
    assert [use["intermediate"] for use in one["uses"]] == ["skill"]
    assert f"skill → tags, seed 1, de, phase {phase}" in ran.stderr and HINT in ran.stderr


def test_report_with_nothing_readable_still_has_every_pair(world: World) -> None:
    finals = [e for e in world.entries if e.kind == "evaluate"]
    for entry in finals:
        _cut(record_file(world.store, entry.phase))
    ran = xstilts("report", world.folder)
    assert ran.exit_code == 1
    assert ["pairs", "not readable", "not readable", "not readable"] in _rows(ran.stdout)
    html = (world.folder / "report" / "report.html").read_text()
    assert html.count('<td class="n open">not readable</td>') == 4
    scores = xstilts("scores", world.folder)
    assert scores.exit_code == 1
    assert ["mean", "not readable", "not readable", "not readable"] in _rows(scores.stdout)


def test_report_with_damaged_doubts_is_written_and_says_so(world: World) -> None:
    keep_doubts(world.folder, [Doubt(task="tags", message="odd")])
    _cut(world.folder / "doubts.json")
    ran = xstilts("report", world.folder, "--json")
    assert ran.exit_code == 1
    (one,) = json.loads(ran.stdout)["unreadable"]
    assert one["part"] == "doubts.json" and "doubts.json: damaged" in one["text"]
    assert "doubts.json: damaged" in (world.folder / "report" / "report.html").read_text()
    assert ran.stderr.count("\n") == 2


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("kind", ["evaluation", "training"])
def test_status_counts_damaged_phases_and_names_them(planned: World, how: str, kind: str) -> None:
    before = json.loads(xstilts("status", planned.folder, "--json").stdout)
    assert before["unreadable"] == [] and "damaged" not in before["counts"]
    phase = getattr(planned, kind)("none", "pairs", 2)
    DAMAGES[how](record_file(planned.store, phase))
    ran = xstilts("status", planned.folder, "--json")
    assert ran.exit_code == 1
    value = json.loads(ran.stdout)
    assert value["counts"]["damaged"] == 1
    assert value["counts"]["done"] == before["counts"]["done"] - 1
    assert [one["phase"] for one in value["unreadable"]] == [phase]
    ran = xstilts("status", planned.folder)
    assert ran.exit_code == 1
    assert ", 1 damaged, of " in ran.stdout
    assert f"phase {phase}: " in ran.stderr and ran.stderr.endswith(f"{HINT}\n")


@pytest.mark.parametrize("how", ["cut", "missing"])
def test_status_finds_damaged_predictions(planned: World, how: str) -> None:
    phase = planned.evaluation("none", "pairs")
    DAMAGES[how](predictions_file(planned.store, phase, "de"))
    ran = xstilts("status", planned.folder)
    assert ran.exit_code == 1
    assert f"none → pairs, seed 1, de, phase {phase}: predictions/de.parquet " in ran.stderr


def test_status_of_predictions_that_a_report_found_damaged(planned: World) -> None:
    phase = planned.evaluation("none", "pairs")
    path = predictions_file(planned.store, phase, "de")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert xstilts("status", planned.folder).exit_code == 0, "only sizes are looked at"
    ran = xstilts("report", planned.folder)
    assert ran.exit_code == 1 and "its hash differs" in ran.stderr
    ran = xstilts("status", planned.folder)
    assert ran.exit_code == 1 and f"phase {phase}: predictions/de.parquet" in ran.stderr


def test_track_sends_what_can_be_read_and_names_the_rest(world: World) -> None:
    phase = world.evaluation("none", "pairs")
    _cut(record_file(world.store, phase))
    ran = xstilts("track", world.folder, "--json")
    assert ran.exit_code == 1
    value = json.loads(ran.stdout)
    assert value["runs"] > 20
    assert [one["phase"] for one in value["unreadable"]] == [phase]
    assert f"none → pairs, seed 1, phase {phase}: " in ran.stderr and HINT in ran.stderr


def test_export_of_a_damaged_pair_names_it_and_exits_with_1(world: World, tmp_path: Path) -> None:
    phase = world.training("none", "pairs")
    _cut(record_file(world.store, phase))
    ran = xstilts("export", world.folder, "none/pairs", "--to", tmp_path / "out", "--json")
    assert ran.exit_code == 1
    error = json.loads(ran.stdout)["error"]
    assert error["kind"] == "CorruptError"
    assert "none→pairs" in error["message"] and phase in error["message"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["cut", "", "5", "null", "[]", '{"name": "x"}'])
@pytest.mark.parametrize("verb", ["status", "scores", "report", "track"])
def test_odd_sweep_json_is_one_line(world: World, verb: str, content: str) -> None:
    path = world.folder / "sweep.json"
    _cut(path) if content == "cut" else path.write_text(content)
    ran = xstilts(verb, world.folder)
    assert ran.exit_code == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"error: {path}: damaged (")
    assert line.endswith("; `xstilts run` writes it again")
    told = json.loads(xstilts(verb, world.folder, "--json").stdout)
    assert told["error"]["kind"] == "CorruptError"


def test_many_damaged_phases_are_counted_beyond_those_told(world: World) -> None:
    phases = {e.phase for e in world.entries if e.state.finished}
    for number in range(50):
        phase = world.entries[0].model_copy(update={"slot": f"x{number}", "phase": f"{number:024}"})
        Ledger(world.folder).write(phase)
    for phase in phases:
        record_file(world.store, phase).unlink()
    ran = xstilts("scores", world.folder)
    assert ran.exit_code == 1
    assert ran.stderr.count("not readable: ") <= 41
