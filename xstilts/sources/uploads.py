"""The door through which models leave for the Hugging Face hub.

`Uploads` is the seam, two methods without state; tests replace it by a folder. `ready` is asked
before any work is done, so that a missing token or network is known at once. Every failure is a
DataError that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from xstilts.errors import DataError, InputError, first_line

PREFIX = "hub:"
"""Begins a destination on the hub: `hub:owner/name`."""


class Uploads(Protocol):
    """Where models can be put."""

    def ready(self, repository: str) -> None:
        """DataError where nothing can be put there: no network, no token, a wrong name."""

    def upload(self, repository: str, folder: Path, *, private: bool, message: str) -> str:
        """Puts the files of a folder into a model repository, which is made where there is none;
        `private` is read only then. Returns its address. DataError where the hub refuses.
        """


class HuggingFaceUploads:
    """The real hub, through huggingface_hub."""

    def ready(self, repository: str) -> None:
        """See `Uploads.ready`."""
        import huggingface_hub
        from huggingface_hub.utils import validate_repo_id

        with _explained(repository):
            validate_repo_id(repository)
            huggingface_hub.HfApi().whoami()

    def upload(self, repository: str, folder: Path, *, private: bool, message: str) -> str:
        """See `Uploads.upload`."""
        import huggingface_hub

        api = huggingface_hub.HfApi()
        with _explained(repository):
            made = api.create_repo(repository, repo_type="model", private=private, exist_ok=True)
            api.upload_folder(
                repo_id=repository, repo_type="model", folder_path=folder, commit_message=message
            )
        return str(made)


UPLOADS: Uploads = HuggingFaceUploads()
"""Where models are put."""


def repository(destination: str) -> str | None:
    """`owner/name` of a destination on the hub; None for a folder. InputError where it is neither
    clearly.
    """
    if not destination.startswith(PREFIX):
        return None
    name = destination.removeprefix(PREFIX)
    if name.count("/") != 1 or not all(name.split("/")):
        raise InputError(
            f"--to is {destination}; a place on the hub must be {PREFIX}owner/name, a folder has "
            "no such beginning"
        )
    return name


@contextmanager
def _explained(repository: str) -> Iterator[None]:
    """Turns every error of huggingface_hub into a DataError that says what to do."""
    from huggingface_hub import errors

    where = f"hub model {repository}"
    try:
        yield
    except errors.HFValidationError as error:
        raise DataError(
            f"{where}: not an id of the hub ({first_line(error, 160)}); must be owner/name"
        ) from error
    except errors.LocalTokenNotFoundError as error:
        raise DataError(
            f"{where}: no token to write with; run `hf auth login`, or set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DataError(
            f"{where}: there is no such owner, or the token may not write there; check the name, "
            "or run `hf auth login` with a token that may write"
        ) from error
    except errors.HfHubHTTPError as error:
        raise DataError(f"{where}: {_refused(error)}") from error
    except Exception as error:  # sockets, time-outs, offline mode: no common root
        raise DataError(
            f"{where}: cannot be reached ({first_line(error, 160)}); connect to the network, or "
            "give --to a folder and upload that later: `hf upload OWNER/NAME FOLDER`"
        ) from error


def _refused(error: Exception) -> str:
    """What an answer of the hub means."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return (
            "the token may not write there; run `hf auth login` with one that may, or take a name "
            "of your own"
        )
    return f"the hub refused ({first_line(error, 160)}); try again later"
