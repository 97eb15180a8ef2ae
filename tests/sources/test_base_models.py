"""Base models in folders and mirrors: found, named by content, refused without safetensors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import worlds
from tests.support.hostile import LEADING_OUT
from xstilts.errors import DataError
from xstilts.sources.base_models import base_place, model_revision, resolve_model, wanted_files
from xstilts.tasks import generator


def test_model_folder_is_found_and_hashed_by_content(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "org" / "m"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    where = worlds.context(tmp_path, tmp_path)
    assert resolve_model("org/m", where) == str(folder)
    first = model_revision("org/m", where)
    assert model_revision("./models/org/m", where) == first
    (folder / "README.md").write_text("words")
    assert model_revision("org/m", where) == first
    (folder / "model.safetensors").write_bytes(b"heavier")
    assert model_revision("org/m", where) != first


def test_model_of_pickles_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "org" / "m"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(DataError, match="no safetensors weights"):
        model_revision("org/m", worlds.context(tmp_path, tmp_path))


def test_model_missing_in_a_mirror_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(DataError, match="xstilts fetch SWEEP --mirror"):
        resolve_model("org/m", worlds.context(tmp_path, tmp_path))


def test_wanted_files_are_no_code_no_pickles_and_nothing_in_folders() -> None:
    names = (
        "config.json",
        "model-1.safetensors",
        "tokenizer.json",
        "sentencepiece.bpe.model",
        "pytorch_model.bin",
        "modeling_m.py",
        "README.md",
        "onnx/model.safetensors",
    )
    assert wanted_files(names) == [
        "config.json",
        "model-1.safetensors",
        "sentencepiece.bpe.model",
        "tokenizer.json",
    ]


def test_model_path_that_is_no_folder_says_what_paths_are_relative_to(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no such folder; paths are relative to {tmp_path}"):
        resolve_model("./gone", worlds.context(tmp_path))


def test_model_missing_in_a_mirror_names_the_nearest_and_local_ones_go_there_by_hand(
    tmp_path: Path,
) -> None:
    (tmp_path / "models" / "org" / "model").mkdir(parents=True)
    where = worlds.context(tmp_path, tmp_path)
    with pytest.raises(DataError, match="nearest: org/model"):
        resolve_model("org/modle", where)
    with pytest.raises(DataError, match="put its folder there by hand"):
        resolve_model("local/mine", where)


def test_model_without_a_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(DataError, match=r"has no config\.json"):
        model_revision("./m", worlds.context(tmp_path))


def test_tokenizer_alone_needs_no_weights(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "tokenizer.json").write_text("{}")
    where = worlds.context(tmp_path)
    first = model_revision("./m", where, weights=False)
    (tmp_path / "m" / "tokenizer.json").write_text('{"other": 1}')
    assert model_revision("./m", where, weights=False) != first


def test_tokenizer_of_the_generator_has_the_revision_of_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = worlds.context(tmp_path)
    first = model_revision("generator", where)
    monkeypatch.setattr(generator, "VERSION", generator.VERSION + 1)
    assert model_revision("generator", where) != first


def test_base_place_of_a_folder_has_no_revision_and_that_of_an_id_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    where = worlds.context(tmp_path)
    place, revision = base_place("./m", "main", where)
    assert (Path(place).resolve(), revision) == ((tmp_path / "m").resolve(), None)
    assert base_place("org/m", "v1", where) == ("org/m", "v1")


def mirrored(folder: Path, index: str | None = None) -> Path:
    """A model in a mirror."""
    own = folder / "models/org/m"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    (own / "model-1.safetensors").write_bytes(b"weights")
    if index is not None:
        (own / "model.safetensors.index.json").write_text(index)
    return own


@pytest.mark.parametrize("name", LEADING_OUT)
def test_model_whose_id_leads_out_of_the_mirror_is_refused(name: str, tmp_path: Path) -> None:
    mirrored(tmp_path / "mirror")
    for place in (tmp_path, tmp_path / "mirror"):
        (place / "x").mkdir()
        (place / "x/README.md").write_text("mine")
    (base := tmp_path / "sweeps").mkdir()
    where = worlds.context(base, tmp_path / "mirror").model_copy(update={"base": str(base)})
    with pytest.raises(DataError):
        resolve_model(f"org/{name}", where)


def test_model_with_links_out_of_the_mirror_is_refused(tmp_path: Path) -> None:
    own = mirrored(tmp_path / "mirror")
    where = worlds.context(tmp_path, tmp_path / "mirror")
    (tmp_path / "mine.safetensors").write_bytes(b"private")
    (own / "model-2.safetensors").symlink_to(tmp_path / "mine.safetensors")
    with pytest.raises(DataError, match=r"model-2.safetensors: a link leads out of .*org/m, to "):
        resolve_model("org/m", where)
    (own / "model-2.safetensors").unlink()
    (own / "model-2.safetensors").symlink_to("model-1.safetensors")
    (tmp_path / "link").symlink_to(tmp_path / "mirror")
    through = worlds.context(tmp_path, tmp_path / "link")
    assert model_revision("org/m", through) == model_revision("org/m", where)
    (tmp_path / "mirror/models/org/other").symlink_to(tmp_path)
    with pytest.raises(DataError, match="other: a link leads out"):
        resolve_model("org/other", where)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ('{"weight_map": {"a": "../../x.safetensors"}}', "names the weights `../../x.safetensors`"),
        ('{"weight_map": {"a": "/abs.safetensors"}}', "must be a file beside it"),
        ('{"weight_map": {"a": "a\\u0000b"}}', "must be a file beside it"),
        ('{"weight_map": [1]}', "damaged"),
        ('{"weight_map": ', "damaged"),
        ("[]", "damaged"),
    ],
)
def test_index_that_names_weights_elsewhere_is_refused(
    tmp_path: Path, index: str, said: str
) -> None:
    mirrored(tmp_path, index)
    with pytest.raises(DataError, match=said):
        model_revision("org/m", worlds.context(tmp_path, tmp_path))


def test_index_that_names_the_files_beside_it_is_fine(tmp_path: Path) -> None:
    mirrored(tmp_path, '{"weight_map": {"a": "model-1.safetensors", "b": "model-1.safetensors"}}')
    assert len(model_revision("org/m", worlds.context(tmp_path, tmp_path))) == 24
