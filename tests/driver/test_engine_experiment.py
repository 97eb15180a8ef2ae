"""Command line, engine and MLflow on one sweep that has everything of the published ones, at the
size of a test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.hub_world import make_hub, make_user_files
from tests.support.tiny import make_model
from tests.support.tiny_translator import make_translator
from tests.support.worlds import ROOT

pytestmark = pytest.mark.ray

SWEEP = """
name: everything
models: [local/tiny]
intermediates:
  - none
  - anli_plus
  - squad_v2
  - mnli_de
  - mixture: [mnli, qqp, mlm]
    rates: {cap: 20, temperature: 2, fixed: {mlm: 0.25}}
    heads: shared
    name: mixed
  - chain: [squad_v2, mnli_de]
targets: [pawsx, xquad, mlqa, udpos, bucc, tatoeba, lareqa]
tasks:
  mlm:
    source: {files: ["text/{language}.jsonl"]}
    languages: [en]
    train_language: [en, de]
    language_exponent: 0.3
    splits: {train: "train[:80%]", dev: "train[80%:]", test: "train[80%:]"}
  mnli_de:
    like: mnli
    transform: {translate: {model: local/translator, languages: [de]}, share: 0.5}
  pawsx: {languages: [en, de]}
  xquad: {languages: [en, de]}
  mlqa: {languages: [en, de]}
  udpos: {languages: [en, de]}
  lareqa: {languages: [en, de]}
  bucc: {languages: [de]}
  tatoeba: {languages: [de], options: {layer: 1, sweep_layers: all, sweep_poolings: [cls]}}
intermediate: {lr: 1.0e-3, steps: 4, batch_size: 4, max_length_tokens: 48, doc_stride_tokens: 4}
target: {lr: 1.0e-3, steps: 2, batch_size: 4, max_length_tokens: 48, doc_stride_tokens: 4}
resources: {slots: 2}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sweep beside what a user brings, and a mirror."""
    mirror = tmp_path / "hub"
    make_hub(mirror)
    files = make_user_files(mirror)
    make_model(mirror)
    letters = {"en": "w", "de": "d", "sw": "s"}
    words = {language: [f"{letter}{i}" for i in range(60)] for language, letter in letters.items()}
    make_translator(mirror / "models/local/translator", words=words)
    for language in ("en", "de"):
        text = files / "text" / f"{language}.jsonl"
        text.parent.mkdir(exist_ok=True)
        text.write_text("".join(f'{{"text": "w{i} w{i + 1} w{i + 2}"}}\n' for i in range(50)))
    monkeypatch.setenv("XSTILTS_MIRROR", str(mirror))
    path = files / "everything.yaml"
    path.write_text(SWEEP)
    return path


def cli(*arguments: str, cwd: Path) -> Any:
    """What a verb prints with `--json`; its warnings come along where it fails."""
    command = [sys.executable, "-m", "xstilts", *arguments, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return json.loads(done.stdout)


def test_experiment_with_everything_runs_reports_and_is_submitted(
    file: Path, tmp_path: Path
) -> None:
    planned = cli("plan", str(file), cwd=tmp_path)
    # 4 intermediates and one more after one of them; 6 starts x 4 trainings (PAWS-X, SQuAD for two
    # targets, POS, LAReQA); 6 x 7 evaluations.
    assert planned["trainings"] == {"pretrain": 0, "intermediate": 5, "target": 24}
    assert planned["evaluations"] == 42
    ran = cli("run", str(file), cwd=tmp_path)
    assert ran["failures"] == [] and ran["started"] == planned["phases"]
    assert not [warning for warning in ran["warnings"] if "MLflow" in warning]
    assert cli("run", str(file), cwd=tmp_path)["started"] == 0

    table = xstilts.scores(tmp_path / "store/sweeps/everything-v1")
    assert set(table["target"]) == {"pawsx", "xquad", "mlqa", "udpos", "bucc", "tatoeba", "lareqa"}
    assert table["value"].between(-100, 100).all()
    chain = table[table["intermediate"] == "squad_v2-then-mnli_de"]
    assert set(chain["target"]) == set(table["target"])
    report = Path(cli("report", str(file), cwd=tmp_path)["files"]["markdown"]).read_text()
    assert "Mean of 6 of 9 XTREME tasks" in report
    assert "squad_v2-then-mnli_de" in report
    made = cli(
        "submission",
        str(file),
        "--out",
        str(tmp_path / "sent"),
        "--intermediate",
        "mixed",
        cwd=tmp_path,
    )
    assert (tmp_path / "sent/pawsx/test-de.tsv").read_text().count("\n") == 8
    assert "panx" in made["notes"], "what is missing is said"
