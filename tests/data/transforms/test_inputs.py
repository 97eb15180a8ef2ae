"""What a transform reads beside rows: what is missing is told, what is there named by content."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.data.transforms.transform_files import (
    dictionaries,
    into,
    plain,
    switch,
    with_column,
)
from tests.support import transform_worlds as worlds
from xstilts.data import transforms
from xstilts.errors import DataError
from xstilts.spec.task import training_payload
from xstilts.spec.transforms import Transform, Translate


def test_language_without_a_translation_is_told(tmp_path: Path) -> None:
    transform = with_column(tmp_path)
    transform["lookup"]["languages"] = ["de", "sw"]
    task = worlds.task(tmp_path, "classification", [{"text": "A dog.", "label": "a"}], transform)
    assert "no translation into sw" in transforms.problems(task, worlds.context(tmp_path))[0]


@pytest.mark.parametrize("format_name", ["tagging", "retrieval"])
def test_format_that_cannot_be_translated_is_told(tmp_path: Path, format_name: str) -> None:
    rows = [{"tokens": ["a"], "tags": ["a"]}]
    task = worlds.task(tmp_path, format_name, rows, with_column(tmp_path))
    (found,) = transforms.problems(task, worlds.context(tmp_path))
    assert ("has no tags" if format_name == "tagging" else "no training rows") in found


def test_problems_tell_all_that_is_missing(tmp_path: Path) -> None:
    dictionaries(tmp_path, de="dog hund", fr="justoneword")
    rows = [{"text": "dog", "label": "a"}]
    task = worlds.task(tmp_path, "classification", rows, switch("de", "fr", "sw"))
    found = transforms.problems(task, worlds.context(tmp_path))
    assert len(found) == 2
    assert "fr.txt:1: `justoneword` must be `word translation`" in found[0]
    assert "sw.txt: nothing there" in found[1]
    with pytest.raises(DataError, match=r"sw\.txt: nothing there"):
        worlds.made(tmp_path, task)


def test_one_dictionary_for_two_languages_is_a_problem(tmp_path: Path) -> None:
    dictionaries(tmp_path, de="dog hund")
    spec = switch("de", "fr", files=["de.txt"])
    task = worlds.task(tmp_path, "classification", [{"text": "dog", "label": "a"}], spec)
    (found,) = transforms.problems(task, worlds.context(tmp_path))
    assert "put `{language}` into its path" in found


def test_revision_follows_what_files_hold_and_not_where_they_lie(tmp_path: Path) -> None:
    rows = [{"text": "dog", "label": "a"}]
    revisions = []
    for name, line in (("here", "dog hund"), ("there", "dog hund"), ("other", "dog köter")):
        (tmp_path / name).mkdir()
        dictionaries(tmp_path / name, de=line)
        task = worlds.task(
            tmp_path, "classification", rows, switch("de", files=[f"{name}/{{language}}.txt"])
        )
        revisions.append(transforms.revision(task, worlds.context(tmp_path)))
    assert revisions[0] == revisions[1] != revisions[2]
    assert training_payload(task)["transform"] == {
        "dictionary": {
            "languages": ["de"],
            "sentence_ratio": 1.0,
            "word_ratio": 1.0,
            "cross": True,
        },
        "translate": None,
        "lookup": None,
        "pseudo": None,
        "share": 1.0,
        "add": False,
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"batch_size": 5}, True),
        ({"beams": 2}, False),
        ({"max_new_tokens": 99}, False),
        ({"languages": ["sw"]}, False),
    ],
)
def test_revision_holds_what_decides_a_translation(
    model: Path, tmp_path: Path, change: dict[str, Any], same: bool
) -> None:
    rows, context = [{"text": "The dog.", "label": "a"}], worlds.context(tmp_path)
    plain, other = (
        transforms.revision(
            worlds.task(tmp_path, "classification", rows, {"translate": spec}), context
        )
        for spec in (into(model, "de")["translate"], {**into(model, "de")["translate"], **change})
    )
    assert (plain == other) is same


def test_revision_holds_the_model_s_files_and_not_their_place(model: Path, tmp_path: Path) -> None:
    rows, context = [{"text": "The dog.", "label": "a"}], worlds.context(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in model.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    before, elsewhere = (
        transforms.revision(
            worlds.task(tmp_path, "classification", rows, into(place, "de")), context
        )
        for place in (model, copy)
    )
    (copy / "generation_config.json").write_text('{"num_beams": 7, "eos_token_id": 2}')
    after = transforms.revision(
        worlds.task(tmp_path, "classification", rows, into(copy, "de")), context
    )
    assert before == elsewhere != after


@pytest.mark.parametrize(
    ("languages", "codes", "message"),
    [
        (("de", "tlh"), {}, "no code for tlh is known for this nllb model"),
        (("de", "en"), {}, "names en, the language of the rows"),
    ],
)
def test_problem_with_a_language_is_told(
    model: Path, tmp_path: Path, languages: tuple[str, ...], codes: dict[str, str], message: str
) -> None:
    transform = into(model, *languages, language_codes=codes)
    task = worlds.task(tmp_path, "classification", [{"text": "The dog.", "label": "a"}], transform)
    (found,) = transforms.problems(task, worlds.context(tmp_path))
    assert message in found


def test_model_that_is_missing_or_has_no_safetensors_is_told(model: Path, tmp_path: Path) -> None:
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled/config.json").write_text((model / "config.json").read_text())
    for name, message in (
        ("./nowhere", "no such folder"),
        ("./pickled", "has no safetensors weights"),
    ):
        task = worlds.task(
            tmp_path, "classification", [{"text": "The dog.", "label": "a"}], into(Path(name), "de")
        )
        task = task.model_copy(
            update={"transform": Transform(translate=Translate(model=name, languages=("de",)))}
        )
        (found,) = transforms.problems(task, worlds.context(tmp_path))
        assert message in found


def test_several_languages_of_such_a_model_need_codes(model: Path, tmp_path: Path) -> None:
    transform = into(plain(model, tmp_path / "plain"), "de", "sw")
    task = worlds.task(tmp_path, "classification", [{"text": "The dog.", "label": "a"}], transform)
    (found,) = transforms.problems(task, worlds.context(tmp_path))
    assert "a model for one language is asked for 2 (de, sw)" in found


@pytest.mark.parametrize("name", ["MarianTokenizer", "M2M100Tokenizer"])
def test_tokenizer_that_needs_sentencepiece_is_told_where_that_is_missing(
    model: Path, tmp_path: Path, name: str
) -> None:
    folder = plain(model, tmp_path / "pieces")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
    task = worlds.task(
        tmp_path, "classification", [{"text": "The dog.", "label": "a"}], into(folder, "de")
    )
    found = transforms.problems(task, worlds.context(tmp_path))
    missing = importlib.util.find_spec("sentencepiece") is None
    assert [("pip install sentencepiece" in one) for one in found] == [True] * missing
