"""How large a model is, read from its configuration: every number worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # What is left out has the defaults of BERT; a given width makes the inside four times it.
        ({"model_type": "bert"}, {"layers": 12, "hidden": 768, "intermediate": 3072}),
        ({"hidden_size": 64}, {"layers": 12, "hidden": 64, "intermediate": 256}),
        (
            {
                "model_type": "mt5",
                "d_model": 512,
                "d_ff": 1024,
                "num_layers": 8,
                "num_heads": 6,
                "d_kv": 64,
                "feed_forward_proj": "gated-gelu",
                "vocab_size": 250_112,
            },
            {
                "layers": 8,
                "hidden": 512,
                "intermediate": 1024,
                "attention": 384,
                "gated": True,
                "vocabulary": 250_112,
            },
        ),
    ],
)
def test_shape_is_read_from_the_names_of_each_architecture(
    config: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert model_sizes.of_config(config) == model_sizes.Encoder(**expected)


@pytest.mark.parametrize("config", [{}, {"model_type": "x", "hidden_size": "wide"}])
def test_configuration_that_gives_no_shape_is_unknown(config: dict[str, Any]) -> None:
    assert model_sizes.of_config(config) is None


def test_configuration_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "models/org/xlm-roberta-base"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{oops")
    assert model_sizes.encoder("org/xlm-roberta-base", mirror=str(tmp_path)) == BASE
    assert model_sizes.encoder("org/never-heard-of", mirror=str(tmp_path)) is None
