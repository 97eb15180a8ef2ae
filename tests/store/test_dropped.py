"""The note about a checkpoint that was dropped, and the phase that has one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.stub_phases import leave, many
from xstilts.errors import CorruptError
from xstilts.planning.filling import Revisions, build
from xstilts.spec.phase import PhaseSpec
from xstilts.store.dropped import Dropped
from xstilts.store.phases import Store


@pytest.fixture
def spec() -> PhaseSpec:
    _, plan = many(10)
    slot = next(slot for slot in plan.slots if slot.kind == "intermediate")
    return build(plan, slot, {"lr": 1e-4}, "", Revisions())


@pytest.fixture
def store(tmp_path: Path, spec: PhaseSpec) -> Store:
    """A store with one training, whose checkpoint was dropped."""
    store = Store(tmp_path).prepare()
    leave(spec, store.phase(spec.id))
    assert store.phase(spec.id).complete
    store.phase(spec.id).drop_checkpoint(Dropped.now("sweep a-v1", "nobody needs it", 240))
    return store


def test_note_of_a_dropped_checkpoint_says_when_by_whom_and_why(
    store: Store, spec: PhaseSpec
) -> None:
    phase = store.phase(spec.id)
    assert phase.done and not phase.complete
    assert phase.dropped == Dropped.of(phase.dropped.content()) if phase.dropped else False
    assert (phase.dropped.by, phase.dropped.why, phase.dropped.size) == (  # type: ignore[union-attr]
        "sweep a-v1",
        "nobody needs it",
        240,
    )
    assert not (store.path / f"phases/{spec.id}/model").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"when": 1}', b"\xff"])
def test_note_that_cant_be_read_is_a_note_all_the_same(content: bytes) -> None:
    assert "unknown" in str(Dropped.of(content))


def test_phase_with_a_dropped_checkpoint_is_not_damaged(store: Store, spec: PhaseSpec) -> None:
    phase = store.phase(spec.id)
    assert phase.fault() == phase.fault(whole=True) == phase.damage() == ""
    assert phase.record().trained.dev is not None


def test_phase_whose_files_are_gone_without_a_note_is_damaged(
    store: Store, spec: PhaseSpec
) -> None:
    (store.path / f"phases/{spec.id}/dropped.json").unlink()
    assert "model/weights is missing" in store.phase(spec.id).fault()


def test_checkpoint_that_was_dropped_is_an_error_that_says_so(
    store: Store, spec: PhaseSpec
) -> None:
    with pytest.raises(CorruptError, match=r"was dropped \(nobody needs it\) on .* by sweep a-v1"):
        store.phase(spec.id).checkpoint()
    assert store.phase(spec.id).fault() == ""


def test_checkpoint_made_again_as_it_was_ends_the_note_and_keeps_the_record(
    store: Store, spec: PhaseSpec
) -> None:
    record = (store.path / f"phases/{spec.id}/record.json").read_bytes()
    leave(spec, store.phase(spec.id))
    phase = store.phase(spec.id)
    assert phase.complete
    assert phase.checkpoint().name == "model"
    assert (store.path / f"phases/{spec.id}/record.json").read_bytes() == record
    assert store.set_aside() == 0


def test_checkpoint_made_again_differently_puts_the_old_record_aside(
    store: Store, spec: PhaseSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = (store.path / f"phases/{spec.id}/record.json").read_bytes()
    phase = store.phase(spec.id)
    phase.begin(spec)
    with phase.staging() as made:
        (made / "weights").write_bytes(b"other weights")
        phase.keep_checkpoint(made)
    before = store.phase(spec.id).record()
    phase.finish(spec, before.result, before.provenance)
    after = store.phase(spec.id)
    assert after.complete and after.fault(whole=True) == ""
    assert after.record().checkpoint_seal != before.checkpoint_seal
    (aside,) = (store.path / "damaged").glob("*/record.json")
    assert aside.read_bytes() == record


def test_crash_between_note_and_removal_leaves_a_dropped_checkpoint(
    store: Store, spec: PhaseSpec
) -> None:
    leave(spec, store.phase(spec.id))
    note = Dropped.now("somebody", "for a test", 1).content()
    (store.path / f"phases/{spec.id}/dropped.json").write_bytes(note)
    assert not store.phase(spec.id).complete
    assert store.phase(spec.id).fault(whole=True) == ""
    assert json.loads(note)["by"] == "somebody"
