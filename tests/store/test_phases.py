"""The store: records last and whole, predictions and checkpoints kept and given, never a path."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest

from tests.spec.test_phase import spec
from tests.support.builders import provenance, record_file, train_result
from xstilts.errors import CorruptError, StoreError
from xstilts.spec.digests import digest
from xstilts.spec.phase import PhaseParent
from xstilts.store.folder_files import FolderFiles
from xstilts.store.local_files import write_json
from xstilts.store.objects import objects_at
from xstilts.store.phases import Phase, Store
from xstilts.store.sums import FileSum, below, of_bytes, seal


def finished(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store").prepare()
    store.phase(spec().id).finish(spec(), train_result(1.0), provenance())
    return store


def begun(tmp_path: Path) -> Phase:
    phase = Store(tmp_path).prepare().phase(spec().id)
    phase.begin(spec())
    return phase


# -- records


def test_phase_without_a_record_is_not_done(tmp_path: Path) -> None:
    phase = begun(tmp_path)
    with phase.staging() as made:
        phase.keep_checkpoint(made)
    assert not phase.done
    assert Store(tmp_path).done() == set()
    with pytest.raises(StoreError, match="no record yet"):
        phase.record()


def test_spec_is_what_was_asked_for_once_the_phase_has_begun(tmp_path: Path) -> None:
    assert Store(tmp_path).phase(spec().id).spec() is None
    assert begun(tmp_path).spec() == spec()


def test_finish_drops_the_partial_and_keeps_the_first_record(tmp_path: Path) -> None:
    store = finished(tmp_path)
    phase = store.phase(spec().id)
    with phase.staging() as made:
        phase.keep_partial(3, made)
    phase.finish(spec(), train_result(2.0), provenance())
    assert phase.record().trained.dev.value == 1.0  # type: ignore[union-attr]
    assert phase.partials() == [] and not phase.partial(3).exists()
    assert store.done() == {spec().id}


def test_finish_of_another_phase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="asked to finish"):
        Store(tmp_path).phase(spec().id).finish(spec(seed=2), train_result(1.0), provenance())


@pytest.mark.parametrize("content", [b"", b'{"id": "x', b"[]", b'{"id": "other", "payload": {}}'])
def test_record_damaged_says_where_and_what_to_do(tmp_path: Path, content: bytes) -> None:
    store = finished(tmp_path)
    record_file(store, spec().id).write_bytes(content)
    with pytest.raises(CorruptError, match=r"record\.json.*`xstilts run` makes this phase again"):
        store.phase(spec().id).record()


@pytest.mark.parametrize("part", ["spec", "parent", "result", "provenance", "files"])
def test_record_without_a_part_is_not_as_it_was_written(tmp_path: Path, part: str) -> None:
    store = finished(tmp_path)
    path = record_file(store, spec().id)
    record = json.loads(path.read_text())
    del record[part]
    write_json(path, record)
    with pytest.raises(CorruptError, match="not as it was written"):
        store.phase(spec().id).record()


def test_record_with_a_part_of_another_shape_names_it(tmp_path: Path) -> None:
    store = finished(tmp_path)
    path = record_file(store, spec().id)
    record = json.loads(path.read_text())
    record["provenance"]["unknown"] = 1
    record["digest"] = digest({k: v for k, v in record.items() if k != "digest"})
    write_json(path, record)
    with pytest.raises(CorruptError, match=r"a part of it is missing .*unknown.*makes this phase"):
        store.phase(spec().id).record()


def test_record_without_checksums_says_which_version_wrote_it(tmp_path: Path) -> None:
    store = finished(tmp_path)
    path = record_file(store, spec().id)
    record = {**json.loads(path.read_text()), "format": 1}
    write_json(path, {k: v for k, v in record.items() if k not in ("files", "digest")})
    with pytest.raises(CorruptError, match="a version of xstilts that kept no checksums"):
        store.phase(spec().id).record()


def test_record_with_a_changed_payload_is_refused(tmp_path: Path) -> None:
    store = finished(tmp_path)
    path = record_file(store, spec().id)
    record = json.loads(path.read_text())
    record["payload"]["seed"] = 5
    write_json(path, record)
    with pytest.raises(CorruptError):
        store.phase(spec().id).record()


def test_damaged_phase_that_is_set_aside_is_kept_and_can_be_made_again(tmp_path: Path) -> None:
    store = finished(tmp_path)
    record_file(store, spec().id).write_bytes(b"torn")
    phase = store.phase(spec().id)
    aside = phase.set_aside()
    assert Path(aside, "record.json").read_bytes() == b"torn"
    assert Path(aside).parent == store.path / "damaged"
    assert Path(aside).name.startswith(f"{spec().id}-")
    assert store.done() == set()
    assert not phase.done
    phase.finish(spec(), train_result(3.0), provenance())
    assert phase.record().id == spec().id


def with_partial(phase: Phase) -> Phase:
    with phase.staging() as made:
        (made / "state.pt").write_bytes(b"s")
        phase.keep_partial(3, made)
    return phase


def test_partials_are_kept_by_a_phase_that_begins_again(tmp_path: Path) -> None:
    with_partial(begun(tmp_path))
    assert begun(tmp_path).partials() == [3]


def test_partials_of_another_starting_point_are_removed(tmp_path: Path) -> None:
    first = with_checkpoint(tmp_path, weights=b"w")
    second = spec(parent=PhaseParent(phase=first.id))
    phase = Store(tmp_path).phase(second.id)
    phase.begin(second)
    with_partial(phase)
    first.set_aside()
    with_checkpoint(tmp_path, weights=b"others")
    again = Store(tmp_path).phase(second.id)
    again.begin(second)
    assert again.partials() == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"spec": {}}'])
def test_spec_that_cannot_be_read_is_a_value_error_and_written_again(
    tmp_path: Path, content: str
) -> None:
    phase = begun(tmp_path)
    Path(phase.where, "spec.json").write_text(content)
    with pytest.raises(ValueError):
        phase.spec()
    assert begun(tmp_path).spec() == spec()


# -- predictions and checkpoints


def test_predictions_are_given_back_as_they_were_kept(tmp_path: Path) -> None:
    phase, table = begun(tmp_path), {"id": ["a", "b"], "correct": [1, 0]}
    phase.keep_predictions("de", table)
    assert phase.predictions("de").to_pydict() == table
    assert phase.predictions("de", ["correct", "no such"]).to_pydict() == {"correct": [1, 0]}


@pytest.mark.parametrize("content", [b"", b"torn", b"PAR1 no parquet PAR1"])
def test_predictions_that_are_damaged_or_missing_say_so(tmp_path: Path, content: bytes) -> None:
    phase = begun(tmp_path)
    with pytest.raises(StoreError, match=r"de\.parquet: there are no predictions"):
        phase.predictions("de")
    phase.keep_predictions("de", {"id": ["a"]})
    Path(phase.where, "predictions", "de.parquet").write_bytes(content)
    with pytest.raises(CorruptError, match=r"de\.parquet: damaged.*makes this phase again"):
        phase.predictions("de")


def with_checkpoint(tmp_path: Path, **files: bytes) -> Phase:
    phase = begun(tmp_path)
    with phase.staging() as made:
        for name, content in files.items():
            (made / name).write_bytes(content)
        phase.keep_checkpoint(made)
    phase.finish(spec(), train_result(1.0), provenance())
    return Store(tmp_path).phase(spec().id)


def test_checkpoint_is_the_folder_that_was_kept_last(tmp_path: Path) -> None:
    phase = begun(tmp_path)
    for content in (b"first", b"second"):
        with phase.staging() as made:
            (made / "weights").write_bytes(content)
            phase.keep_checkpoint(made)
    with pytest.raises(StoreError, match="no record yet"):
        phase.checkpoint()
    phase.finish(spec(), train_result(1.0), provenance())
    assert (phase.checkpoint() / "weights").read_bytes() == b"second"
    assert str(phase.checkpoint()) == phase.checkpoint_where


def test_checkpoint_of_a_finished_phase_is_not_replaced(tmp_path: Path) -> None:
    phase = with_checkpoint(tmp_path, weights=b"first")
    with phase.staging() as made:
        (made / "weights").write_bytes(b"late")
        phase.keep_checkpoint(made)
    phase.keep_predictions("de", {"id": ["late"]})
    assert (phase.checkpoint() / "weights").read_bytes() == b"first"
    assert phase.fault(whole=True) == ""


def test_files_of_the_phase_are_in_its_record(tmp_path: Path) -> None:
    record = with_checkpoint(tmp_path, weights=b"w" * 10, config=b"c").record()
    assert {*record.files} == {"model/weights", "model/config"}
    assert record.files["model/weights"] == FileSum(10, sha256(b"w" * 10).hexdigest())
    assert record.checkpoint_seal == seal(below("model", record.files))


def test_files_that_another_process_kept_are_in_the_record_too(tmp_path: Path) -> None:
    phase = begun(tmp_path)
    phase.keep_predictions("de", {"id": ["a"]})
    other = Store(tmp_path).phase(spec().id)
    other.finish(spec(), train_result(1.0), provenance())
    assert other.record().files == {
        "predictions/de.parquet": of_bytes(
            Path(phase.where, "predictions", "de.parquet").read_bytes()
        )
    }


DAMAGE = {
    "flipped": (lambda path: flip(path), "weights is not as it was written"),
    "cut": (lambda path: path.write_bytes(b"w"), "weights has 1 bytes instead of 10"),
    "gone": (lambda path: path.unlink(), "weights is missing"),
    "more": (lambda path: (path.parent / "x").write_bytes(b""), "x is not a file of the phase"),
}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("what", DAMAGE)
def test_checkpoint_that_was_changed_is_an_error_and_noted(tmp_path: Path, what: str) -> None:
    phase = with_checkpoint(tmp_path, weights=b"w" * 10)
    damage, words = DAMAGE[what]
    damage(phase.checkpoint() / "weights")
    assert words in phase.fault(whole=True)
    assert (phase.fault() == "") == (what == "flipped")
    with pytest.raises(CorruptError, match=rf"checkpoint is damaged: {words}") as caught:
        phase.checkpoint()
    assert caught.value.phase == spec().id
    assert words in Store(tmp_path).phase(spec().id).fault()  # noted
    phase.forget_damage()
    assert (phase.fault() == "") == (what == "flipped")


def test_what_was_found_damaged_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(CorruptError("message", "phase id")))
    assert (str(again), again.phase) == ("message", "phase id")


def test_predictions_with_a_flipped_bit_are_an_error(tmp_path: Path) -> None:
    phase = begun(tmp_path)
    phase.keep_predictions("de", {"id": ["a", "b"], "correct": [1, 0]})
    phase.finish(spec(), train_result(1.0), provenance())
    path = Path(phase.where, "predictions", "de.parquet")
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(CorruptError, match=r"de\.parquet: damaged: it is not as it was"):
            phase.predictions("de")
    path.unlink()
    with pytest.raises(CorruptError, match=r"de\.parquet: it is missing"):
        phase.predictions("de")


def test_phase_names_the_checkpoint_that_it_started_from(tmp_path: Path) -> None:
    first = with_checkpoint(tmp_path, weights=b"w")
    second = spec(parent=PhaseParent(phase=first.id))
    phase = Store(tmp_path).phase(second.id)
    phase.begin(second)
    phase.finish(second, train_result(1.0), provenance())
    assert phase.record().started_from == first.record().checkpoint_seal != ""
    assert first.record().started_from == ""


def test_partials_are_listed_newest_first(tmp_path: Path) -> None:
    phase = begun(tmp_path)
    for step in (9, 10, 200):
        with phase.staging() as made:
            (made / "state.pt").write_bytes(b"%d" % step)
            phase.keep_partial(step, made)
    phase.drop_partial(10)
    assert phase.partials() == [200, 9]
    assert (phase.partial(9) / "state.pt").read_bytes() == b"9"


# -- the folder


def test_prepare_where_nobody_may_write_says_so() -> None:
    code = """
import os, sys
from xstilts.store.phases import Store
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
Store(sys.argv[1]).prepare()
"""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        result = subprocess.run(
            [sys.executable, "-c", code, f"{folder}/store"], capture_output=True, text=True
        )
    assert "not writable" in result.stderr
    assert "give `store:` a folder" in result.stderr


def test_prepare_under_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Store(tmp_path / "file/store").prepare()


def test_finish_that_cannot_remove_the_partial_is_done_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(files: FolderFiles, prefix: str) -> None:
        raise StoreError(f"{prefix}: directory not empty")

    phase = begun(tmp_path)
    monkeypatch.setattr(FolderFiles, "remove", busy)
    phase.finish(spec(), train_result(1.0), provenance())
    phase.drop_partial(3)
    assert phase.done


def test_payload_and_tasks_are_those_of_the_record_and_a_damaged_one_has_none(
    tmp_path: Path,
) -> None:
    from tests.support import toy
    from tests.support.builders import finish_training, record_file

    store = Store(tmp_path)
    spec = toy.training("m", [toy.task("class", tmp_path)])
    assert store.phase(spec.id).payload_and_tasks() is None
    finish_training(store, spec, 50.0)
    assert store.phase(spec.id).payload_and_tasks() == (spec.payload(), ("class",))
    for content in ("{", "[]", '{"payload": {}}'):
        record_file(store, spec.id).write_text(content)
        assert store.phase(spec.id).payload_and_tasks() is None


# -- in an object store


def test_checkpoint_in_an_object_store_that_was_changed_is_noted_set_aside_and_made_again(
    at_moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(mark: bytes) -> None:
        phase = Store(at_moto).phase(spec().id)
        assert phase.begin(spec())
        with phase.staging() as folder:
            (folder / "model.safetensors").write_bytes(mark * 9000)
            phase.keep_checkpoint(folder)
        phase.finish(spec(), train_result(1.0), provenance())

    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "one"))
    made(b"a")
    assert not Store(at_moto).phase(spec().id).begin(spec())
    objects = objects_at(at_moto)
    (key,) = [one.key for one in objects.listed(".files")]
    objects.put(key, b"b" * 9000)
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "two"))
    store = Store(at_moto)
    assert store.phase(spec().id).fault() == ""
    with pytest.raises(CorruptError, match="this checkpoint is damaged") as error:
        store.phase(spec().id).checkpoint()
    assert error.value.phase == spec().id
    assert "model.safetensors is not as it was written" in Store(at_moto).phase(spec().id).fault()
    assert store.phase(spec().id).set_aside().startswith(f"{at_moto}/damaged/{spec().id}-")
    assert store.done() == set() and store.set_aside() == 1
    made(b"a")
    assert (Store(at_moto).phase(spec().id).checkpoint() / "model.safetensors").is_file()
    assert Store(at_moto).phase(spec().id).fault(whole=True) == ""


def test_store_in_an_object_store_is_opened_by_its_address_and_by_its_home(
    at_moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    store = Store(at_moto).prepare()
    assert store.remote and store.address == at_moto and store.empty
    again = Store(store.path)
    assert again.remote and again.address == at_moto
    again.phase(spec().id).begin(spec())
    assert store.begun() == [spec().id] and not store.empty
    assert store.done([spec().id, "0" * 24]) == set()
    assert not Store(tmp_path / "folder").remote
