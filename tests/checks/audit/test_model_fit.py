"""What is asked of a model, and what it can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import sweeps, worlds
from xstilts.checks.audit.model_fit import Fit, fit
from xstilts.planning import make_plan
from xstilts.spec.hyperparameters import Choice, Settings
from xstilts.spec.sweep import Chain, Model, Pretraining

XLMR = {"model_type": "xlm-roberta", "max_position_embeddings": 130, "pad_token_id": 1}
"""Reads 128 tokens."""


def model(folder: Path, config: dict[str, Any], tokenizer: dict[str, Any] | None = None) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    if tokenizer:
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def found(tmp_path: Path, config: dict[str, Any] | None = None, **changes: Any) -> Fit:
    model(tmp_path / "own", config or XLMR)
    values = {"models": (Model(id="./own"),), "target": Settings(), "intermediate": Settings()}
    return fit(make_plan(sweeps.small(**{**values, **changes})), worlds.context(tmp_path))


def told(result: Fit) -> list[tuple[tuple[str | int, ...], str]]:
    return [(misfit.path, misfit.message) for misfit in result.misfits]


def test_lengths_that_fit_are_not_told(tmp_path: Path) -> None:
    assert found(tmp_path) == Fit()


def test_a_longer_input_names_the_setting_the_model_and_its_room(tmp_path: Path) -> None:
    ((path, message),) = told(found(tmp_path, target=Settings(max_length_tokens=1024)))
    assert path == ("target", "max_length_tokens")
    assert message == (
        "target.max_length_tokens is 1024; ./own reads at most 128 tokens; set it to 128 or less, "
        "or take a model that reads more"
    )


def test_the_default_is_told_as_the_default(tmp_path: Path) -> None:
    messages = sorted(
        text for _, text in told(found(tmp_path, {**XLMR, "max_position_embeddings": 66}))
    )
    assert messages == [
        f"{kind}.max_length_tokens is 128 by default; ./own reads at most 64 tokens; set it to 64 "
        "or less, or take a model that reads more"
        for kind in ("intermediate", "target")
    ]


def test_the_largest_choice_overrides_and_stages_of_chains_are_looked_at(tmp_path: Path) -> None:
    result = found(
        tmp_path,
        intermediates=("none", Chain(chain=("good", "bad"))),
        intermediate=Settings(max_length_tokens=64),
        target=Settings(max_length_tokens=Choice(choice=(64, 256))),
        overrides={"bad": Settings(max_length_tokens=512)},
    )
    assert [(path, message.split(";")[0]) for path, message in told(result)] == [
        (("target", "max_length_tokens"), "target.max_length_tokens is 256"),
        (("overrides", "bad", "max_length_tokens"), "overrides.bad.max_length_tokens is 512"),
    ]


def test_every_model_is_looked_at(tmp_path: Path) -> None:
    model(tmp_path / "short", {**XLMR, "max_position_embeddings": 34})
    model(tmp_path / "t5", {"model_type": "mt5"})
    names = ("./own", "./short", "./t5", "./nowhere")
    result = found(
        tmp_path,
        models=tuple(Model(id=name, name=name[2:]) for name in names),
        intermediates=("none",),
        target=Settings(max_length_tokens=64),
    )
    ((_, message),) = told(result)
    assert "./short reads at most 32 tokens" in message


def test_a_pretraining_is_held_to_its_own_configuration(tmp_path: Path) -> None:
    text = sweeps.task("text").model_copy(update={"format": "masked_lm"})
    pretraining = Pretraining(
        name="tiny",
        task="text",
        config={"model_type": "xlm-roberta", "max_position_embeddings": 66},
        tokenizer="generator",
        settings=Settings(max_length_tokens=96),
    )
    result = found(
        tmp_path,
        models=(pretraining,),
        intermediates=("none",),
        targets=("tags",),
        tasks=(sweeps.task("tags"), text),
        target=Settings(max_length_tokens=64),
    )
    ((path, message),) = told(result)
    assert path == ("models", 0, "settings", "max_length_tokens")
    assert "is 96; tiny reads at most 64 tokens" in message


def test_rotary_positions_give_a_note(tmp_path: Path) -> None:
    config = {"model_type": "modernbert", "max_position_embeddings": 64}
    result = found(tmp_path, config, intermediates=("none",))
    assert not result.misfits
    assert result.notes == [
        "target.max_length_tokens is 128 by default; ./own was made for 64 tokens"
    ]


@pytest.mark.parametrize(("rows", "refused"), [(6, True), (8, False)])
def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path, rows: int, refused: bool) -> None:
    tokenizer = {
        "model": {"vocab": {letter: i for i, letter in enumerate("abcdefgh")}},
        "added_tokens": [{"id": 8, "content": "<new>"}],
    }
    model(tmp_path / "mixed", {**XLMR, "vocab_size": rows}, tokenizer)
    result = found(tmp_path, models=(Model(id="./mixed"),))
    assert [path for path, _ in told(result)] == [("models", 0)] * refused
    if refused:
        assert "2 pieces of its tokenizer have no embedding (it has 6)" in told(result)[0][1]
    else:
        (note,) = result.notes
        assert "1 tokens added to its tokenizer have no embedding" in note


def test_windows_that_share_more_than_they_hold_are_a_note(tmp_path: Path) -> None:
    reading = sweeps.task("read").model_copy(update={"format": "span_qa", "labels": ()})
    result = found(
        tmp_path,
        intermediates=("none",),
        targets=("read",),
        tasks=(reading,),
        target=Settings(max_length_tokens=64, doc_stride_tokens=128),
    )
    (note,) = result.notes
    assert note.startswith("target.doc_stride_tokens is 128, but windows have 64 tokens")
