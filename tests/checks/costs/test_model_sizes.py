"""How large a model is, read from its configuration: every number worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.checks.costs import model_sizes

BASE = model_sizes.KNOWN["xlm-roberta-base"]


def test_parameters_of_a_known_model_are_those_of_the_formula() -> None:
    # 12 layers x (4 x 768 x 768 + 2 x 768 x 3072) = 12 x 7,077,888
    assert BASE.parameters == 84_934_656
    # mT5 has a gate, and its attention is 6 heads x 64 wide: 8 x (4 x 512 x 384 + 3 x 512 x 1024)
    assert model_sizes.KNOWN["mt5-small"].parameters == 8 * (786_432 + 1_572_864)


def test_estimate_reads_the_cache_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--org--other/snapshots/abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(
        '{"model_type": "distilbert", "dim": 64, "n_layers": 3, "hidden_dim": 256}'
    )
    found = model_sizes.encoder("org/other")
    assert found == model_sizes.Encoder(layers=3, hidden=64, intermediate=256)
