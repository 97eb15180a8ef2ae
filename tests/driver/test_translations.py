"""Phases that read rows wait while another slot translates them."""

from __future__ import annotations

from tests.support.sweeps import task
from xstilts.driver.translations import Translations, translated_rows
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseSpec
from xstilts.spec.transforms import Pseudo, Transform, Translate

GERMAN = Transform(translate=Translate(model="m", languages=("de",)))


def reads(*revisions: str, transform: Transform | None = GERMAN, **fields: object) -> PhaseSpec:
    """A training on rows of these revisions."""
    values = {
        "action": "train",
        "parent": ModelParent(model="m", revision="r"),
        "members": tuple(
            Member(task=task(name, transform=transform), data_revision=name) for name in revisions
        ),
        "hyper": Hyperparameters(),
    }
    return PhaseSpec.model_validate({**values, **fields})


def test_translated_rows_are_those_that_a_model_translates_for_a_training() -> None:
    assert translated_rows(reads("a", "b")) == {"a", "b"}
    assert translated_rows(reads("a", transform=None)) == frozenset()
    assert translated_rows(reads("a", transform=Transform(pseudo=Pseudo()))) == frozenset()
    assert translated_rows(reads("a", action="evaluate")) == frozenset()


def test_phase_waits_for_rows_that_another_slot_translates_and_for_no_others() -> None:
    translations = Translations()
    translations.begin("one", reads("a", "b"))
    assert translations.must_wait(reads("b", "c"))
    assert not translations.must_wait(reads("c"))
    assert not translations.must_wait(reads("a", transform=None))


def test_rows_that_are_finished_hold_nobody_back_again() -> None:
    translations = Translations()
    translations.begin("one", reads("a"))
    translations.finish("one")
    translations.begin("two", reads("a"))
    assert not translations.must_wait(reads("a"))


def test_rows_that_an_ended_phase_did_not_finish_are_translated_by_another() -> None:
    translations = Translations()
    translations.begin("one", reads("a"))
    translations.abandon("one")
    assert not translations.must_wait(reads("a"))
    translations.begin("two", reads("a"))
    assert translations.must_wait(reads("a"))
