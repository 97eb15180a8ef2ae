"""The one door to the Hugging Face hub.

Data and models come as *files*: Parquet, JSON lines or CSV for a dataset, safetensors,
configuration and tokenizer for a model. Nothing that could run code is downloaded: no loading
scripts, no pickles, no Python. `Hub` is the seam, three methods without state; tests replace it by
a folder. Every failure is a DataError that says whether the name is wrong or the network is down,
and what to do.

What an earlier download left in huggingface_hub's cache is used where the hub cannot be reached
(`reach.py`), and by a context that only looks (`of`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from xstilts.errors import DataError, first_line, visible
from xstilts.sources.context import DataContext
from xstilts.sources.reach import REACH
from xstilts.spec.names import strange

Kind = Literal["dataset", "model"]
CONVERTED = "refs/convert/parquet"
"""Branch with the hub's own Parquet copy of a dataset that consists of a loading script."""
_OFFLINE_HELP = (
    "connect to the network, or fill a mirror where there is one "
    "(`xstilts fetch SWEEP --mirror DIR`) and name it (`--mirror DIR` or XSTILTS_MIRROR)"
)
_AWAY = re.compile(
    r"(?:task (?P<task>[^\s,:]+).*)?hub (?P<kind>dataset|model) (?P<id>.*?): cannot be reached "
    rf"\((?P<reason>.*)\); {re.escape(_OFFLINE_HELP)}(?: \[in .*\])?"
)
"""A problem of one task or model with a hub that is away."""


class Hub(Protocol):
    """Where repositories are listed and downloaded. Safe to call from several processes."""

    def commit(self, kind: Kind, repository: str, revision: str) -> str:
        """The commit of a revision; DataError as for `names`."""

    def names(self, kind: Kind, repository: str, revision: str) -> tuple[str, ...]:
        """Names of all files at a revision; DataError where there is no such repository, or no
        network.
        """

    def download(
        self, kind: Kind, repository: str, revision: str, names: Sequence[str], folder: Path | None
    ) -> Path:
        """Downloads files to `folder` (None: the shared cache of huggingface_hub) and returns the
        folder with the files.
        """


class HuggingFace:
    """The real hub, through huggingface_hub. A process asks for each listing once."""

    def commit(self, kind: Kind, repository: str, revision: str) -> str:
        """See `Hub.commit`; without a network, the commit that an earlier download left in the
        cache.
        """
        return _commit(kind, repository, revision)

    def names(self, kind: Kind, repository: str, revision: str) -> tuple[str, ...]:
        """See `Hub.names`; without a network, the files that an earlier download left in the
        cache.
        """
        return _listed(kind, repository, revision)

    def download(
        self, kind: Kind, repository: str, revision: str, names: Sequence[str], folder: Path | None
    ) -> Path:
        """See `Hub.download`."""
        return _downloaded(kind, repository, revision, tuple(names), folder)


class OnlyKept:
    """The hub as far as earlier downloads left it in the cache of huggingface_hub: asks nobody."""

    def commit(self, kind: Kind, repository: str, revision: str) -> str:
        """See `Hub.commit`."""
        return self._folder(kind, repository, revision).name

    def names(self, kind: Kind, repository: str, revision: str) -> tuple[str, ...]:
        """See `Hub.names`."""
        return _names_in(self._folder(kind, repository, revision))

    def download(
        self, kind: Kind, repository: str, revision: str, names: Sequence[str], folder: Path | None
    ) -> Path:
        """The cache's folder, if it has all that is asked for."""
        return self._folder(kind, repository, revision, tuple(names))

    def _folder(
        self, kind: Kind, repository: str, revision: str, names: tuple[str, ...] = ()
    ) -> Path:
        found = _cached_folder(kind, repository, revision, names)
        if found is None:
            raise DataError(f"hub {kind} {repository}: not downloaded to this machine yet")
        return found


HUB: Hub = HuggingFace()
"""The hub in use."""


def of(context: DataContext) -> Hub:
    """The hub for a context: a context that only looks gets no further than the cache."""
    return OnlyKept() if context.looks_only else HUB


@lru_cache(maxsize=256)
def _listed(kind: Kind, repository: str, revision: str) -> tuple[str, ...]:
    import huggingface_hub

    with _explained(kind, repository, revision):
        try:
            _reach()
            return tuple(
                huggingface_hub.HfApi().list_repo_files(
                    repository, revision=revision, repo_type=kind
                )
            )
        except Exception:
            cached = _cached_folder(kind, repository, revision)
            if cached is None:
                raise
            return _names_in(cached)


@lru_cache(maxsize=256)
def _commit(kind: Kind, repository: str, revision: str) -> str:
    import huggingface_hub

    with _explained(kind, repository, revision):
        try:
            _reach()
            return str(
                huggingface_hub.HfApi().repo_info(repository, revision=revision, repo_type=kind).sha
            )
        except Exception:
            cached = _cached_folder(kind, repository, revision)
            if cached is None:
                raise
            return cached.name


def _reach() -> None:
    """ConnectionError, at once from the second time on, where the hub cannot be reached."""
    obstacle = REACH.obstacle()
    if obstacle:
        raise ConnectionError(obstacle)


def _names_in(folder: Path) -> tuple[str, ...]:
    return tuple(p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file())


def _cached_folder(
    kind: Kind, repository: str, revision: str, names: tuple[str, ...] = ()
) -> Path | None:
    """The cache's copy of a revision; None where there is none, or where it is known to lack one of
    the files `names`.
    """
    import huggingface_hub

    try:
        required(f"hub {kind} {repository}", repository, revision, names)
        return Path(
            huggingface_hub.snapshot_download(
                repository,
                repo_type=kind,
                revision=revision,
                local_files_only=True,
                allow_patterns=[_literal(name) for name in names],
            )
        )
    except Exception:  # not in the cache: the error of the listing says more
        return None


@lru_cache(maxsize=1024)
def _downloaded(
    kind: Kind, repository: str, revision: str, names: tuple[str, ...], folder: Path | None
) -> Path:
    import huggingface_hub

    with _explained(kind, repository, revision):
        required(f"hub {kind} {repository}", repository, revision, names)
        obstacle = REACH.obstacle()
        if obstacle:
            kept = _cached_folder(kind, repository, revision, names) if folder is None else None
            if kept is None:
                raise ConnectionError(obstacle)
            return kept
        return Path(
            huggingface_hub.snapshot_download(
                repository,
                repo_type=kind,
                revision=revision,
                allow_patterns=[_literal(name) for name in names],
                local_dir=folder,
            )
        )


def required(where: str, repository: str, revision: str, names: Iterable[str] = ()) -> None:
    """DataError where an id, a revision or the name of a file in a listing could lead out of the
    folder that downloads are kept in.
    """
    for what, name in (
        ("id", repository),
        ("revision", revision),
        *(("file", name) for name in names),
    ):
        for part in name.split("/"):
            if why := strange(part):
                raise DataError(
                    f"{where}: the {what} `{visible(name)}` is none that a hub has: a part of it "
                    f"{why}; an id is `owner/name`, a revision a branch, tag or commit"
                )


def _literal(name: str) -> str:
    """A pattern that matches `name` alone."""
    return name.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")


@contextmanager
def _explained(kind: Kind, repository: str, revision: str) -> Iterator[None]:
    """Turns every error of huggingface_hub into a DataError that says what to do."""
    from huggingface_hub import errors

    where = f"hub {kind} {repository}"
    required(where, repository, revision)
    try:
        yield
    except errors.GatedRepoError as error:
        raise DataError(
            f"{where}: its owner grants access by hand; ask on its page, then run `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DataError(
            f"{where}: no such {kind}, or a private one; check the id, or run `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise DataError(
            f"{where}: has no revision `{revision}`; give `revision:` a branch, tag or commit of it"
        ) from error
    except errors.HFValidationError as error:
        raise DataError(f"{where}: not an id of the hub; must be `owner/name`") from error
    except DataError:
        raise
    except Exception as error:  # httpx, sockets, time-outs, offline mode: no common root
        REACH.doubt()
        raise DataError(
            f"{where}: cannot be reached ({_reason(error)}); {_OFFLINE_HELP}"
        ) from error


def _reason(error: Exception) -> str:
    """Why the hub did not answer, without the address of the one question."""
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return "offline mode is on: HF_HUB_OFFLINE"
    return re.sub(r" for url '\S*'", "", first_line(error))[:160]


def told_once(problems: Iterable[str]) -> list[str]:
    """The problems, those with a hub that is away in one for each reason, with all that could not
    be looked at. Others stay as they are.
    """
    by_reason: dict[str, list[re.Match[str]]] = {}
    found = dict.fromkeys(problems)
    for problem in found:
        if match := _AWAY.fullmatch(problem):
            by_reason.setdefault(match["reason"], []).append(match)
    same = {one.string: many for many in by_reason.values() if len(many) > 1 for one in many}
    return list(dict.fromkeys(_all_away(same[one]) if one in same else one for one in found))


def _all_away(many: Sequence[re.Match[str]]) -> str:
    tasks = dict.fromkeys(one["task"] for one in many if one["task"])
    others = [f"{one['kind']} {one['id']}" for one in many if not one["task"]]
    unseen = [*others, *([f"the data of {', '.join(tasks)}"] if tasks else [])]
    return (
        f"the hub cannot be reached ({many[0]['reason']}), so this could not be looked at: "
        f"{', '.join(unseen)}; {_OFFLINE_HELP}"
    )
