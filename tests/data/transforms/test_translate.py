"""Translation by a real, tiny model through `generate`: labels, answers, languages, resuming,
errors.
"""

from __future__ import annotations

import importlib.util
import json
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import transform_worlds as worlds
from tests.support.tiny_translator import make_translator
from xstilts.data import transforms
from xstilts.data.transforms import shards, translate
from xstilts.data.transforms.requests import Asking, Texts, Translations
from xstilts.data.transforms.rows import Dropped
from xstilts.data.transforms.translator import Translator
from xstilts.errors import DataError
from xstilts.spec.task import Transform, Translate


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny model."""
    return make_translator(tmp_path_factory.mktemp("model") / "tiny")


def into(model: Path, *languages: str, **spec: Any) -> dict[str, Any]:
    return {"translate": {"model": str(model), "languages": list(languages), **spec}}


def shard_files(folder: Path) -> list[Path]:
    return sorted((folder / "cache/transforms").glob("*/*/*.parquet"))


def test_pairs_are_translated_into_each_language_in_turn_and_keep_their_labels(
    model: Path, tmp_path: Path
) -> None:
    rows = [
        {"text": "The dog sees the cat.", "text_pair": "the cat is in Denver.", "label": "b"}
    ] * 3
    task = worlds.task(tmp_path, "classification", rows, into(model, "de", "sw"))
    german = {
        "text": "Der Hund sieht der Katze.",
        "text_pair": "der Katze ist im Denver.",
        "language": "de",
        "label": 1,
    }
    swahili = {
        "text": "Yule mbwa anaona ile paka.",
        "text_pair": "ile paka ni ndani Denver.",
        "language": "sw",
        "label": 1,
    }
    assert worlds.made(tmp_path, task) == [german, swahili, german]
    assert worlds.facts(tmp_path, task)["languages"] == {"de": 2, "sw": 1}


def test_text_is_translated_by_sentence_and_keeps_its_blanks(model: Path, tmp_path: Path) -> None:
    rows = [
        {"text": "The dog sees.  The cat is red?\n1990\n\n(...) the house.", "label": "a"},
        {"text": " ", "label": "a"},
    ]
    task = worlds.task(tmp_path, "classification", rows, into(model, "de"))
    (row, empty) = worlds.made(tmp_path, task)
    assert row["text"].startswith("Der Hund sieht.  Der Katze ist rote?\n1990\n\n")
    assert empty["text"] == " "


def test_beams_and_batch_sizes_give_the_same_translations(model: Path, tmp_path: Path) -> None:
    rows = [
        {"text": text, "label": "a"}
        for text in ("The dog.", "The cat sees the red house in Denver.", "who?")
    ]
    made = []
    for number, spec in enumerate(({"batch_size": 1}, {"batch_size": 3}, {"beams": 3})):
        folder = tmp_path / str(number)
        folder.mkdir()
        made.append(
            worlds.made(
                folder, worlds.task(folder, "classification", rows, into(model, "de", **spec))
            )
        )
    assert made[0] == made[1] == made[2]


def test_choices_are_translated_together_with_their_prefix(model: Path, tmp_path: Path) -> None:
    rows = [
        {
            "context": "The dog sees.",
            "prefix": "The cat",
            "choices": ["is red.", "sees Anna."],
            "label": 1,
        }
    ]
    (row,) = worlds.made(
        tmp_path, worlds.task(tmp_path, "multiple_choice", rows, into(model, "sw"))
    )
    assert (row["context"], row["prefix"], row["label"]) == ("Yule mbwa anaona.", "", 1)
    assert row["choices"] == ["Yule paka ni nyekundu.", "Yule paka anaona Anna."]


def test_dual_encoder_rows_keep_their_keys_and_their_empty_side(
    model: Path, tmp_path: Path
) -> None:
    rows = [
        {"query": "who sees?", "candidate": "The dog.", "key": "1"},
        {"query": "", "candidate": "The cat.", "key": "2"},
    ]
    made = worlds.made(tmp_path, worlds.task(tmp_path, "dual_encoder", rows, into(model, "de")))
    assert [(row["query"], row["candidate"], row["key"]) for row in made] == [
        ("wer sieht?", "Der Hund.", "1"),
        ("", "Der Katze.", "2"),
    ]


CONTEXT = "Anna is in Denver. The dog sees the red house, the dog is in the house."
#          0              15  19                      43


def question(*answers: tuple[str, int]) -> dict[str, Any]:
    texts, starts = [text for text, _ in answers], [start for _, start in answers]
    return {
        "id": "x",
        "question": "who sees?",
        "context": CONTEXT,
        "answers": {"text": texts, "answer_start": starts},
    }


@pytest.mark.parametrize("marks", [True, False])
def test_answers_are_found_again_by_marks_or_by_their_translation(
    tmp_path: Path, marks: bool
) -> None:
    model = make_translator(tmp_path / "model", marks=marks)
    rows = [
        question(("Denver", 11)),
        question(("The dog", 19), ("the dog", 47)),
        question(("house", 66)),
        question(),
    ]
    task = worlds.task(tmp_path, "span_qa", rows, into(model, "de"))
    made = worlds.made(tmp_path, task)
    german = "Anna ist im Denver. Der Hund sieht der rote Haus, der Hund ist im der Haus."
    #         0           12     20                              50                 70
    assert {row["context"] for row in made} == {german} and {row["question"] for row in made} == {
        "wer sieht?"
    }
    assert [row["answers"] for row in made] == [
        {"text": ["Denver"], "answer_start": [12]},
        {"text": ["Der Hund", "der Hund"], "answer_start": [20, 50]},
        {
            "text": ["Haus"],
            "answer_start": [70],
        },  # the second one: it lies most like the English one
        {"text": [], "answer_start": []},
    ]
    assert not worlds.misplaced(made)
    how = "answers by marks" if marks else "answers by their translation"
    assert worlds.facts(tmp_path, task)["counts"] == {how: 4}


def written(translations: Mapping[str, str | None]) -> Asking:
    """Translations that are written down; a text that is not among them has none."""

    def fetch(wanted: Texts) -> dict[str, Translations]:
        return {
            language: {text: translations.get(text) for text in texts}
            for language, texts in wanted.items()
        }

    return Asking(fetch)


def realigned(
    translations: Mapping[str, str | None], row: dict[str, Any]
) -> tuple[Any, Counter[str]]:
    ask, tally = written(translations), Counter[str]()

    def attempts() -> Any:
        try:
            translate.rewritten(row, "span_qa", "de", ask, Counter())
        except transforms.requests.Pending:
            yield

    ask.fill(attempts)
    return translate.rewritten(row, "span_qa", "de", ask, tally), tally


ROW = {
    "id": "x",
    "question": "Where?",
    "context": "She went to Munich.",
    "answers": {"text": ["Munich"], "answer_start": [12]},
}


def test_marked_sentence_takes_the_place_of_one_without_the_answer() -> None:
    translations = {
        "Where?": "Wo?",
        "She went to Munich.": "Sie ging nach Minga.",
        "Munich": "München (Stadt)",
        "She went to [Munich].": "Sie ging nach 【 München】.",
    }
    row, tally = realigned(translations, ROW)
    assert row["context"] == "Sie ging nach München."
    assert row["answers"] == {"text": ["München"], "answer_start": [14]}
    assert tally == {"answers by a marked sentence": 1}


def test_row_whose_answer_is_lost_is_dropped() -> None:
    translations = {
        "Where?": "Wo?",
        "She went to Munich.": "Sie ging dorthin.",
        "She went to [Munich].": "Sie ging [dort",
    }
    row, tally = realigned(translations, ROW)
    assert row == Dropped("answer not found in the translation") and tally == {
        "answers not found": 1
    }


def test_row_with_a_sentence_that_has_no_translation_is_dropped() -> None:
    row, _ = realigned({"Where?": "Wo?", "She went to [Munich].": "Sie ging nach [München]."}, ROW)
    assert row == Dropped("no usable translation")


def test_sentence_longer_than_the_model_reads_is_cut_at_blanks(model: Path, tmp_path: Path) -> None:
    # The tiny model has 62 positions, so it reads 54 tokens; 150 words are cut into halves of
    # halves.
    rows = [{"text": "the dog sees " * 50, "label": "a"}]
    (row,) = worlds.made(tmp_path, worlds.task(tmp_path, "classification", rows, into(model, "de")))
    assert row["text"].split() == ["der", "Hund", "sieht"] * 50


def test_translation_that_does_not_end_is_none_and_its_row_dropped(
    model: Path, tmp_path: Path
) -> None:
    # Eight new tokens suffice for the language, six words or marks, and the end; not for seven.
    rows = [
        {"text": "The dog sees the cat.", "label": "a"},
        {"text": "The dog sees the red cat.", "label": "a"},
    ]
    task = worlds.task(tmp_path, "classification", rows, into(model, "de", max_new_tokens=8))
    assert [row["text"] for row in worlds.made(tmp_path, task)] == ["Der Hund sieht der Katze."]
    assert worlds.facts(tmp_path, task)["dropped"] == {"no usable translation": 1}
    assert transforms.told(task, worlds.context(tmp_path)) == (
        "own: its transform made 1 rows of 2; 1 were dropped: no usable translation (1)"
    )


def many(folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[int]]:
    """A task of twenty texts, five to a shard, and how many sentences the model is given from now
    on.
    """
    monkeypatch.setattr(shards, "SENTENCES_A_SHARD", 5)
    given: list[int] = []
    real = Translator.translated

    def counted(self: Translator, texts: Any, language: str) -> Any:
        given.append(len(texts))
        return real(self, texts, language)

    monkeypatch.setattr(Translator, "translated", counted)
    rows = [
        {"text": f"The {word} sees {'the ' * i}cat.", "label": "a"}
        for i in range(10)
        for word in ("dog", "house")
    ]
    return worlds.task(folder, "classification", rows, into(model, "de")), given


def test_killed_translation_goes_on_with_the_missing_shards(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, given = many(tmp_path, model, monkeypatch)
    whole = worlds.made(tmp_path, task)
    assert given == [5, 5, 5, 5]
    files = shard_files(tmp_path)
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:40])  # cut short by a power failure
    assert worlds.made(tmp_path, task) == whole
    assert given[4:] == [5, 5]
    assert worlds.made(tmp_path, task) == whole and given[6:] == []


def test_translation_stopped_in_the_middle_keeps_what_it_has(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, given = many(tmp_path, model, monkeypatch)
    real = Translator.translated

    def stops(self: Translator, texts: Any, language: str) -> Any:
        if len(given) == 2:
            raise KeyboardInterrupt
        return real(self, texts, language)

    monkeypatch.setattr(Translator, "translated", stops)
    with pytest.raises(KeyboardInterrupt):
        worlds.made(tmp_path, task)
    assert len(shard_files(tmp_path)) == 2
    monkeypatch.setattr(Translator, "translated", real)
    assert len(worlds.made(tmp_path, task)) == 20
    assert given == [5, 5, 5, 5]


def test_translation_under_way_says_how_far_it_is(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = many(tmp_path, model, monkeypatch)
    cache, seen = tmp_path / "cache", []
    real = Translator.translated

    def looks(self: Translator, texts: Any, language: str) -> Any:
        seen.extend(
            (one["language"], one["done"], one["of"]) for one in transforms.under_way(cache, 0.0)
        )
        return real(self, texts, language)

    monkeypatch.setattr(Translator, "translated", looks)
    worlds.made(tmp_path, task)
    assert seen == [("de", 0, 20), ("de", 5, 20), ("de", 10, 20), ("de", 15, 20)]
    assert transforms.under_way(cache, 0.0) == []  # nobody is at work any more
    (state,) = cache.glob("transforms/*/*/progress.json")
    state.write_text('{"language": "de", "done": 5, "of": 20}')
    assert (
        transforms.under_way(cache, state.stat().st_mtime + 1) == []
    )  # left by a run that was killed before


def test_more_rows_translate_only_the_new_ones(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, given = many(tmp_path, model, monkeypatch)
    worlds.made(
        tmp_path, task.model_copy(update={"limits": task.limits.model_copy(update={"train": 12})})
    )
    assert sum(given) == 12
    worlds.made(tmp_path, task)
    assert sum(given) == 20
    assert transforms.facts(task, worlds.context(tmp_path)) is not None


def test_whoever_comes_second_waits_and_finds_the_first_one_s_translations(tmp_path: Path) -> None:
    opened: list[str] = []
    found: dict[str, Any] = {}

    def call(name: str) -> None:
        found[name] = shards.translated(["a", "b"], tmp_path / "de", lambda: opens(name))

    second = threading.Thread(target=call, args=("second",))

    def opens(name: str) -> shards.Translate:
        opened.append(name)
        second.start()  # while the first one holds the lock
        return lambda texts: [text.upper() for text in texts]

    call("first")
    second.join(timeout=30)
    assert opened == ["first"]
    assert found["first"] == found["second"] == {"a": "A", "b": "B"}


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
    rows, where = [{"text": "The dog.", "label": "a"}], worlds.context(tmp_path)
    plain, other = (
        transforms.revision(
            worlds.task(tmp_path, "classification", rows, {"translate": spec}), where
        )
        for spec in (into(model, "de")["translate"], {**into(model, "de")["translate"], **change})
    )
    assert (plain == other) is same


def test_revision_holds_the_model_s_files_and_not_their_place(model: Path, tmp_path: Path) -> None:
    rows, where = [{"text": "The dog.", "label": "a"}], worlds.context(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in model.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    before, elsewhere = (
        transforms.revision(worlds.task(tmp_path, "classification", rows, into(place, "de")), where)
        for place in (model, copy)
    )
    (copy / "generation_config.json").write_text('{"num_beams": 7, "eos_token_id": 2}')
    after = transforms.revision(
        worlds.task(tmp_path, "classification", rows, into(copy, "de")), where
    )
    assert before == elsewhere != after


def test_code_of_a_language_can_be_given(model: Path, tmp_path: Path) -> None:
    rows = [{"text": "The dog.", "label": "a"}]
    task = worlds.task(
        tmp_path, "classification", rows, into(model, "xx", language_codes={"xx": "swh_Latn"})
    )
    assert worlds.made(tmp_path, task)[0]["text"] == "Yule mbwa."


@pytest.mark.parametrize(
    ("languages", "codes", "message"),
    [
        (("de", "tlh"), {}, "no code for tlh is known of this nllb model"),
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


def test_language_that_the_tokenizer_lacks_is_an_error(model: Path, tmp_path: Path) -> None:
    task = worlds.task(
        tmp_path, "classification", [{"text": "The dog.", "label": "a"}], into(model, "fr")
    )
    with pytest.raises(DataError, match="its tokenizer has no language `fra_Latn`"):
        worlds.made(tmp_path, task)


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


def plain(model: Path, folder: Path) -> Path:
    """The same model under a tokenizer that is told no language, as opus-mt's are: a sentence
    begins with it.
    """
    folder.mkdir()
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tokenizer = json.loads((model / "tokenizer.json").read_bytes())
    parts = tokenizer["post_processor"]
    parts["single"] = [
        part for part in parts["single"] if part.get("SpecialToken", {}).get("id") != "eng_Latn"
    ]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = json.loads((model / "tokenizer_config.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**settings, "tokenizer_class": "TokenizersBackend"})
    )
    return folder


def test_code_of_a_model_that_is_told_no_language_goes_before_each_sentence(
    model: Path, tmp_path: Path
) -> None:
    rows = [{"text": "The dog. The cat.", "label": "a"}] * 2
    given = {"de": "deu_Latn", "sw": "swh_Latn"}
    transform = into(plain(model, tmp_path / "plain"), "de", "sw", language_codes=given)
    task = worlds.task(tmp_path, "classification", rows, transform)
    assert [row["text"] for row in worlds.made(tmp_path, task)] == [
        "Der Hund. Der Katze.",
        "Yule mbwa. Yule paka.",
    ]


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
