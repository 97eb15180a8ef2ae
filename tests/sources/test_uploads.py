"""The door through which models leave: every refusal says what to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import errors

from tests.sources.test_hub import raised
from xstilts.errors import DataError, InputError
from xstilts.sources.uploads import HuggingFaceUploads, repository


class Client:
    """huggingface_hub's client: keeps what it is asked, or fails."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure, self.asked = failure, list[tuple[str, dict[str, Any]]]()

    def __call__(self) -> Client:
        return self

    def _asked(self, what: str, **given: Any) -> str:
        self.asked.append((what, given))
        if self.failure:
            raise self.failure
        return "https://hub/owner/name"

    def whoami(self) -> str:
        return self._asked("whoami")

    def create_repo(self, repo: str, **given: Any) -> str:
        return self._asked("create", repo=repo, **given)

    def upload_folder(self, **given: Any) -> str:
        return self._asked("upload", **given)


@pytest.mark.parametrize(
    ("given", "found"),
    [("hub:owner/name", "owner/name"), ("folder", None), ("a/b", None), ("/hub:/x", None)],
)
def test_destination_on_the_hub_says_so_at_its_beginning(given: str, found: str | None) -> None:
    assert repository(given) == found


@pytest.mark.parametrize("given", ["hub:name", "hub:a/b/c", "hub:/b", "hub:"])
def test_destination_on_the_hub_needs_owner_and_name(given: str) -> None:
    with pytest.raises(InputError, match="must be hub:owner/name"):
        repository(given)


def test_upload_makes_the_repository_and_sends_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    monkeypatch.setattr(huggingface_hub, "HfApi", client)
    uploads = HuggingFaceUploads()
    uploads.ready("owner/name")
    address = uploads.upload("owner/name", tmp_path, private=True, message="squad→xquad")
    assert address == "https://hub/owner/name"
    (_, made), (_, sent) = client.asked[1:]
    assert made["private"] is True and made["exist_ok"] is True
    assert (sent["repo_id"], sent["folder_path"]) == ("owner/name", tmp_path)
    assert sent["commit_message"] == "squad→xquad"


def answered(status: int) -> BaseException:
    error = raised(errors.HfHubHTTPError, "no")
    error.response = SimpleNamespace(status_code=status)  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (raised(errors.LocalTokenNotFoundError), "no token to write with; run `hf auth login`"),
        (raised(errors.RepositoryNotFoundError), "there is no such owner, or the token may not"),
        (answered(403), "the token may not write there"),
        (answered(500), "the hub refused"),
        (errors.HFValidationError("told"), "not an id of the hub"),
        (
            TimeoutError("slow\nvery"),
            r"cannot be reached \(slow\); connect to the network, or give",
        ),
    ],
)
@pytest.mark.parametrize("question", ["ready", "upload"])
def test_every_refusal_says_what_to_do(
    question: str, failure: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", Client(failure))
    with pytest.raises(DataError, match=f"hub model owner/name: {said}"):
        if question == "ready":
            HuggingFaceUploads().ready("owner/name")
        else:
            HuggingFaceUploads().upload("owner/name", Path("."), private=True, message="")


def test_wrong_name_is_known_before_the_hub_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    monkeypatch.setattr(huggingface_hub, "HfApi", client)
    with pytest.raises(DataError, match="not an id of the hub"):
        HuggingFaceUploads().ready("owner/na--me")
    assert client.asked == []
