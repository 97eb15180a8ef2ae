"""The door to the hub: every failure says whether the name is wrong or the network is away."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import errors

from tests.data.check_messages import problems
from tests.support import worlds
from tests.support.hostile import LEADING_OUT, listing
from xstilts.errors import DataError
from xstilts.sources import hub
from xstilts.sources.base_models import model_revision
from xstilts.spec.task import Source


def test_hub_out_of_reach_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(DataError, match=r"cannot be reached .* fill a mirror"):
        model_revision("nobody/nothing-of-the-kind", worlds.context(tmp_path))
    assert "cannot be reached" in problems(
        worlds.review_task(source=Source(hub="nobody/no-such-data")), tmp_path
    )


def test_hub_that_is_away_is_told_once_with_all_that_was_not_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def problem(name: str, reason: str = "no route", kind: hub.Kind = "dataset") -> str:
        url = f"https://hub/api/{name}"
        failing(monkeypatch, OSError(f"{reason} for url '{url}'"))
        with pytest.raises(DataError) as told:
            hub.HuggingFace().names(kind, name, "main")
        return str(told.value)

    model, alone = problem("some/model", kind="model"), problem("some/one", "too slow")
    data = [problem(f"some/data-{i}") for i in range(3)]
    tasks = [
        f"task own (train, dev): {data[0]}",
        f"task own (test): {data[0]} [in 2 languages: de, en]",
        f"task union, part one (train): {data[1]}",
        f"task slow (train): {alone}",
        "task other (train): is empty",
        f"task last (test): {data[2]}",
    ]
    once, *rest = hub.told_once([model, *tasks])
    assert once.startswith(
        "the hub cannot be reached (no route), so this could not be looked at: model some/model, "
        "the data of own, union, last; connect to the network, or fill a mirror"
    )
    assert rest == [tasks[3], tasks[4]]
    assert hub.told_once([tasks[0], tasks[4]]) == [tasks[0], tasks[4]]


class Failing:
    """huggingface_hub's client, every question of which fails in one way; counts the questions."""

    asked = 0

    def __init__(self, failure: BaseException) -> None:
        self.failure = failure

    def __call__(self) -> Failing:
        return self

    def list_repo_files(self, *_: object, **__: object) -> list[str]:
        """Fails."""
        self.asked += 1
        raise self.failure

    def repo_info(self, *_: object, **__: object) -> object:
        """Fails."""
        raise self.failure


def failing(monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> Failing:
    """Puts it in the place of the client, and an empty cache beside it."""
    client = Failing(failure)
    monkeypatch.setattr(huggingface_hub, "HfApi", client)

    def empty(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", empty)
    return client


def raised(kind: type[BaseException], words: str = "told") -> BaseException:
    """An error of huggingface_hub without the answer of a server, which its constructor wants."""
    return kind.__new__(kind, words)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (raised(errors.GatedRepoError), "its owner grants access by hand"),
        (raised(errors.RepositoryNotFoundError), "no such model, or a private one"),
        (raised(errors.RevisionNotFoundError), "has no revision `v1`"),
        (errors.HFValidationError("told"), "not an id of the hub; must be `owner/name`"),
        (TimeoutError("slow\nvery"), r"cannot be reached \(slow\); connect to the network"),
        (OSError(), r"cannot be reached \(OSError\)"),
    ],
)
@pytest.mark.parametrize("question", ["names", "commit"])
def test_every_failure_of_the_hub_says_what_to_do(
    question: str, failure: BaseException, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, failure)
    with pytest.raises(DataError, match=f"hub model nobody/m: {message}") as told:
        getattr(hub.HuggingFace(), question)("model", "nobody/m", "v1")
    assert told.value.__cause__ is failure


def test_failure_is_asked_again_and_a_listing_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = failing(monkeypatch, TimeoutError("slow"))
    for _ in range(2):
        with pytest.raises(DataError):
            hub.HuggingFace().names("model", "nobody/asked-twice", "main")
    assert client.asked == 2
    monkeypatch.setattr(client, "list_repo_files", lambda *_, **__: ["config.json"])
    assert hub.HuggingFace().names("model", "nobody/asked-twice", "main") == ("config.json",)
    monkeypatch.setattr(huggingface_hub, "HfApi", None)
    assert hub.HuggingFace().names("model", "nobody/asked-twice", "main") == ("config.json",)


def test_without_a_network_the_cache_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, TimeoutError("slow"))
    snapshot = tmp_path / "snapshots" / "abc123"
    (snapshot / "onnx").mkdir(parents=True)
    for name in ("config.json", "onnx/model.onnx"):
        (snapshot / name).write_text("{}")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(snapshot))
    found = hub.HuggingFace().names("model", "nobody/cached", "main")
    assert found == ("config.json", "onnx/model.onnx")
    assert hub.HuggingFace().commit("model", "nobody/cached", "main") == "abc123"


def test_download_asks_for_the_named_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}

    def download(repository: str, **options: object) -> str:
        given.update(options, repository=repository)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    names = ["a/[x]*.csv", "b?.csv"]
    folder = hub.HuggingFace().download("dataset", "nobody/d", "main", names, tmp_path / "here")
    assert folder == tmp_path
    assert given["allow_patterns"] == ["a/[[]x][*].csv", "b[?].csv"]
    assert given["local_dir"] == tmp_path / "here"


@pytest.mark.parametrize("name", LEADING_OUT)
def test_id_revision_or_file_that_leads_out_of_the_cache_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache/hub"))
    (tmp_path / "x").write_text("0" * 40)  # what a cache's file of a revision holds
    before = listing(tmp_path)
    for asked in (hub.HuggingFace(), hub.OnlyKept()):
        for ask in (
            lambda asked=asked: asked.names("dataset", f"o/{name}", "main"),
            lambda asked=asked: asked.commit("model", "o/n", f"refs/{name}"),
            lambda asked=asked: asked.names("model", "o/n", name),
            lambda asked=asked: asked.download("model", "o/n", "main", [name], None),
            lambda asked=asked: asked.download("model", "o/n", name, ["x"], None),
        ):
            with pytest.raises(DataError):
                ask()
    with pytest.raises(DataError, match="is none that a hub has: a part of it"):
        hub.HuggingFace().download("dataset", "o/n", "main", ["a", name], tmp_path / "mirror")
    assert listing(tmp_path) == before
