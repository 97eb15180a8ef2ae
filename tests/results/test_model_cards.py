"""The card of a checkpoint: the hub can read its head, and its numbers are those of the records."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

from tests.support.builders import build_store, predictions_file
from xstilts import formats
from xstilts.results import pairs
from xstilts.results.model_cards import _codes, _public, card
from xstilts.results.scores import table
from xstilts.store.ledger import Entry, Ledger
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep

World = tuple[Store, Path]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_store(
        tmp_path_factory.mktemp("store"), intermediates=("none", "skill"), targets=("tags", "pairs")
    )


def chosen(world: World, pair: str, seed: int = 1) -> Entry:
    sweep, entries = read_sweep(world[1]), Ledger(world[1]).entries()
    return pairs.evaluation(pairs.parse(pair, sweep), sweep, entries, model=None, seed=seed)


def made(world: World, pair: str, **changes: Any) -> str:
    store, folder = world
    sweep, entries = read_sweep(folder), Ledger(folder).entries()
    entry = chosen(world, pair)
    task = sweep.task(entry.target)
    given = {
        "name": "someone/tagger",
        "commands": ["xstilts run s.yaml", "xstilts export s.yaml skill/tags --to here"],
        **changes,
    }
    exported = given.pop("exported", formats.get(task.format).exported)
    return card(store, sweep, entries, pairs.parse(pair, sweep), entry, exported, **given)


def rows(text: str) -> dict[str, list[str]]:
    """Language to the other cells of its row in the table of scores."""
    lines = text.split("## Scores")[1].split("## Lineage")[0].splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    return {row[0]: row[1:] for row in cells[2:]}


def test_head_is_metadata_that_the_hub_reads(world: World) -> None:
    data = ModelCard(made(world, "skill/tags")).data
    assert (data.base_model, data.pipeline_tag) == ("test/base", "token-classification")
    assert data.language == ["en", "de", "sw"] and data.library_name == "transformers"
    assert data.datasets == ["test/skill", "test/tags"] and data.license == "other"
    assert [one.metric_type for one in data.eval_results] == ["chunk_f1"] * 3


def test_languages_are_the_codes_that_the_hub_knows() -> None:
    assert _codes(["eng", "pt-BR", "zh_Hans", "zh", "swh", "iw"]) == ["en", "pt", "zh", "sw", "he"]
    assert _codes(["klingon", "xa", "x-mine", "qaa", "qu", "yue"]) == ["qu", "yue"]


def test_scores_are_those_of_the_records_with_their_baseline_and_gain(world: World) -> None:
    scores = table(*world)
    one_seed = scores[(scores["seed"] == 1) & (scores["target"] == "tags") & scores["primary"]]
    value = one_seed.set_index(["intermediate", "language"])["value"]
    found = rows(made(world, "skill/tags"))
    assert list(found) == ["en", "de", "sw", "mean"]
    for language in ("en", "de", "sw"):
        own, base = value["skill", language], value["none", language]
        score, _, n, baseline, gain = found[language]
        assert (score, baseline, n) == (f"{own:.1f}", f"{base:.1f}", "300")
        assert float(gain.replace("−", "-")) == pytest.approx(own - base, abs=0.051)
    assert found["mean"][0] == f"{value['skill'].mean():.1f}"


def test_interval_is_that_of_a_bootstrap_over_the_examples(world: World) -> None:
    low, high = rows(made(world, "skill/pairs"))["en"][1].split(" to ")
    stored = world[0].phase(chosen(world, "skill/pairs").phase).predictions("en")
    right = stored["correct"].to_numpy().astype(float)
    error = 100 * right.std() / np.sqrt(len(right))
    middle = 100 * right.mean()
    assert float(low) == pytest.approx(middle - 1.96 * error, abs=0.8)
    assert float(high) == pytest.approx(middle + 1.96 * error, abs=0.8)


def test_lineage_has_each_training_with_its_phase_and_settings(world: World) -> None:
    text, entry = made(world, "skill/tags"), chosen(world, "skill/tags")
    lineage = text.split("## Lineage")[1].split("## Made by")[0]
    assert [stage.phase for stage in entry.lineage] == re.findall(
        r"phase `(\w{24})`, seed", lineage
    )
    assert "1. **intermediate: skill**" in lineage and "2. **target: tags**" in lineage
    assert "`lr` 5e-05, `steps` 400" in lineage and f"`{entry.phase}`" in lineage
    assert "Base model: test/base at `abc`" in lineage
    assert "xstilts export s.yaml skill/tags --to here" in text


def test_baseline_is_not_compared_with_itself(world: World) -> None:
    text = made(world, "none/tags")
    assert "gain" not in text.split("## Scores")[1].split("## Lineage")[0]
    assert all(len(cells) == 3 for cells in rows(text).values())


def test_every_format_says_how_its_model_is_used(world: World) -> None:
    for name in ("tags", "pairs"):
        text = made(world, f"skill/{name}")
        assert 'model="someone/tagger"' in text and "{name}" not in text
    alone = made(world, "skill/tags", exported=None)
    assert "This is the body alone" in alone and "AutoModel.from_pretrained" in alone


def test_predictions_that_are_gone_leave_a_score_without_an_interval(tmp_path: Path) -> None:
    world = build_store(tmp_path, intermediates=("none", "skill"), targets=("tags",), examples=20)
    predictions_file(world[0], chosen(world, "skill/tags").phase, "de").unlink()
    text = made(world, "skill/tags")
    assert rows(text)["de"][1] == rows(text)["mean"][1] == "–"
    assert " to " in rows(text)["en"][1] and "no interval" in text


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("org/name", "org/name"),
        ("local/tiny", ""),
        ("/home/me/model", ""),
        ("./a/b", ""),
        ("m", ""),
    ],
)
def test_only_ids_of_the_hub_are_linked(name: str, public: str) -> None:
    assert _public(name) == public
