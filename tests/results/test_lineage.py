"""What is known of a phase's ancestors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builders import build_store, finish_training, record_file
from xstilts.results.lineage import Lineage, card_languages
from xstilts.results.scores import table
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, PhaseParent, PhaseSpec, ScratchParent
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep
from xstilts.tasks import TASKS


def _spec(
    parent, source: str, *, split: str = "train", languages: tuple[str, ...] = ("en",)
) -> PhaseSpec:
    task = Task(
        name="t",
        format="classification",
        metric="accuracy",
        source=Source(hub=source),
        splits=Splits(train=split),
        train_language=languages,
    )
    return PhaseSpec(
        action="train",
        parent=parent,
        members=(Member(task=task, data_revision="d"),),
        hyper=Hyperparameters(),
    )


SCRATCH = ScratchParent(config={}, tokenizer="generator", tokenizer_revision="r")


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    store, folder = build_store(tmp_path, targets=("pairs",), intermediates=("none",), examples=10)
    return Lineage(store, read_sweep(folder))


def test_base_languages_pretraining_from_scratch_knows_them(lineage: Lineage) -> None:
    root = finish_training(lineage.store, _spec(SCRATCH, "a", languages=("aa", "bb")), 1.0)
    child = finish_training(lineage.store, _spec(PhaseParent(phase=root), "b"), 1.0)
    assert lineage.base_languages(child) == {"aa", "bb"}


def test_base_languages_model_without_a_card_is_unknown(lineage: Lineage) -> None:
    evaluation = table(lineage.store, lineage.store.sweep_folder("test-sweep", 1))["phase"].iloc[0]
    assert lineage.base_languages(evaluation) is None


def test_base_languages_missing_phase_is_unknown(lineage: Lineage) -> None:
    assert lineage.base_languages("0" * 24) is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (("squad", "train"), ("squad", "train"), True),
        (("squad", "train[:80%]"), ("squad", "train"), True),
        (("squad", "train"), ("squad", "validation"), False),
        (("squad", "train"), ("xnli", "train"), False),
    ],
)
def test_same_data_compares_sources_and_splits(lineage: Lineage, first, second, same: bool) -> None:
    before = finish_training(lineage.store, _spec(SCRATCH, first[0], split=first[1]), 1.0)
    after = finish_training(
        lineage.store, _spec(PhaseParent(phase=before), second[0], split=second[1]), 1.0
    )
    assert lineage.same_data(before, after) is same


def _of(task: Task, parent=SCRATCH) -> PhaseSpec:
    return PhaseSpec(
        action="train",
        parent=parent,
        members=(Member(task=task, data_revision="d"),),
        hyper=Hyperparameters(),
    )


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("mnli", "xnli", True),
        ("anli_plus", "xnli", True),
        ("snli", "xnli", False),
        ("squad", "squad_pairs", True),
        ("squad_v2", "squad", True),
        ("paws", "pawsx", True),
        ("panx", "panx_r", True),
        ("udpos", "udpos_r", True),
        ("deprel", "udpos", False),
        ("cola", "mrpc", False),
    ],
)
def test_same_data_knows_one_corpus_under_several_names(
    lineage: Lineage, first: str, second: str, same: bool
) -> None:
    before = finish_training(lineage.store, _of(TASKS[first]), 1.0)
    after = finish_training(lineage.store, _of(TASKS[second], PhaseParent(phase=before)), 1.0)
    assert lineage.same_data(before, after) is same


def test_same_data_checkpoint_scored_directly_is_not(lineage: Lineage) -> None:
    phase = finish_training(lineage.store, _spec(SCRATCH, "squad"), 1.0)
    assert not lineage.same_data(phase, phase)
    assert not lineage.same_data("", phase)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlanguage:\n- en\n- de\n- sw\nlicense: mit\n---\n# x", {"en", "de", "sw"}),
        ("---\nlanguage: [en, de]\n---\n", {"en", "de"}),
        ("# a model\n\nLanguages: en de zh (others are unseen).\n", {"en", "de", "zh"}),
        ("# a model\nSpeaks many languages.\n", None),
    ],
)
def test_card_languages_reads_front_matter_or_a_line(
    tmp_path: Path, card: str, expected: set[str] | None
) -> None:
    path = tmp_path / "README.md"
    path.write_text(card)
    assert card_languages(path) == expected


def test_card_languages_no_card_is_unknown() -> None:
    assert card_languages(None) is None


def test_spec_damaged_record_is_none(lineage: Lineage) -> None:
    store: Store = lineage.store
    phase = finish_training(store, _spec(SCRATCH, "a"), 1.0)
    record_file(store, phase).write_text("")
    assert lineage.spec(phase) is None


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlanguage: multilingual\n---\n", None),
        ("---\nlanguage: English\n---\n", None),
        ("---\nlanguage:\n- multilingual\n- en\n- pt-BR\n- zh_Hant\n---\n",
         {"en", "pt-BR", "zh_Hant"}),
        ('---\nlanguage: ["no", \'en\']\n---\n', {"no", "en"}),
        ("Languages: en, zh-CN, pt_BR.\n", {"en", "zh-CN", "pt_BR"}),
        ("Languages: one can not know which languages these are.\n", None),
    ],
)  # fmt: skip
def test_card_words_that_are_no_codes_say_nothing(
    tmp_path: Path, card: str, expected: set[str] | None
) -> None:
    path = tmp_path / "README.md"
    path.write_text(card)
    assert card_languages(path) == expected


def test_same_data_does_not_depend_on_the_name_of_the_language(lineage: Lineage) -> None:
    first = finish_training(lineage.store, _spec(SCRATCH, "a", languages=("en",)), 1.0)
    after = _spec(PhaseParent(phase=first), "a", languages=("en-US",))
    assert lineage.same_data(first, finish_training(lineage.store, after, 1.0))
