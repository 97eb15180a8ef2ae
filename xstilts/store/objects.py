"""Objects by key in one place of an object store: the one door to obstore.

Two kinds of question are asked. One that may be asked twice (reading, listing, removing, writing
under a key that nobody else writes) is asked until it is answered (`patience`). A *conditional*
write, which creates an object if there is none or replaces the one that was read, is sent once at a
time, because its answer may be lost after it took effect: then it is read back. What was to be
written is there: it is done. What was there before is there: it is sent again. So the content of a
conditional write must be the writer's own (hold a token, say), or mean the same whoever wrote it.

A store answers 412 where the condition does not hold. Real S3 also answers 409 where two
conditional writes meet: which of them won is read back like a lost answer. Where an object store
ignores conditions, nothing that is promised here holds; `checked` tries that.

Credentials come from where the cloud's own tools look: the environment, the profile of
`~/.aws/credentials`, the role of the machine. They are never read from an address or a sweep.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from xstilts.errors import StoreError, first_line
from xstilts.store.local_files import store_error
from xstilts.store.patience import NoAnswer, Patience
from xstilts.store.sums import FileSum

T = TypeVar("T")

AT_ONCE = 32
"""Small objects that are asked for at the same time."""
PIECE_BYTES = 32 * 1024 * 1024
"""A file is fetched in pieces of this size, each a question of its own."""
PIECES_AT_ONCE = 4
PART_BYTES = 16 * 1024 * 1024
"""A larger file is sent in parts of this size."""
TIMEOUT_SECONDS = 60
"""For one question and its answer."""
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
_FULL = re.compile(r"quota|insufficient.?storage|no space left|storage.?full", re.IGNORECASE)
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]{1,80})</Code>")
_KEPT = re.compile(r"DeleteObjects request failed .*\(code: (\w{1,80})\)")
"""S3 answers 200 to a list of objects to remove, with a word for each that it keeps."""


class Found(NamedTuple):
    """An object that was read."""

    content: bytes
    tag: dict[str, str]
    """What `replace` takes to be sure that nobody else has changed it."""


class Listed(NamedTuple):
    """An object in a listing."""

    key: str
    size: int
    e_tag: str
    changed: float
    """Seconds since 1970, by the store's clock."""


class Objects:
    """Objects below one address. Thread-safe; a key is relative to the address."""

    def __init__(self, place: str) -> None:
        """`place` is an address as `addresses.address` gives it. StoreError where it can't be used;
        nothing is asked yet.
        """
        self.place, self.patience = place, Patience(place)
        self._again = _client(place, retries=3)
        self._once = _client(place, retries=0)

    def where(self, key: str) -> str:
        """The address of an object."""
        return f"{self.place}/{key}"

    # -- reading

    def get(self, key: str) -> Found | None:
        """An object; None where there is none."""

        def question() -> Found | None:
            try:
                found = self._again.get(key)
                return Found(bytes(found.bytes()), _tag(found.meta))
            except FileNotFoundError as error:
                return self._missing(error)

        return self._ask(key, question)

    def many(self, keys: Sequence[str]) -> list[Found | None]:
        """Several objects, asked for at the same time."""
        return self.together(self.get, keys)

    def together(self, call: Callable[[str], T], keys: Sequence[str]) -> list[T]:
        """`call` for each key, several at the same time; the first error is raised."""
        if len(keys) < 2:
            return [call(key) for key in keys]
        with ThreadPoolExecutor(min(AT_ONCE, len(keys))) as pool:
            return list(pool.map(call, keys))

    def fetch(self, key: str, path: Path, size: int) -> bool:
        """Writes an object of a known size to a file, in pieces; False where there is none."""

        def piece(start: int) -> bool:
            content = self._piece(key, start, min(PIECE_BYTES, size - start))
            if content is not None:
                os.pwrite(handle, content, start)
            return content is not None

        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                with ThreadPoolExecutor(PIECES_AT_ONCE) as pool:
                    return all(pool.map(piece, range(0, size, PIECE_BYTES)))
            finally:
                os.close(handle)
        except OSError as error:
            raise store_error(error, path) from error

    def sum(self, key: str, size: int) -> FileSum | None:
        """Size and hash of an object that should have this size; None where there is none. One of
        another size is not read.
        """

        def question() -> int | None:
            try:
                return int(self._again.head(key)["size"])
            except FileNotFoundError as error:
                return self._missing(error)

        there = self._ask(key, question)
        if there is None or there != size:
            return FileSum(there, "") if there is not None else None
        found = hashlib.sha256()
        for start in range(0, size, PIECE_BYTES):
            piece = self._piece(key, start, min(PIECE_BYTES, size - start))
            if piece is None:
                return None
            found.update(piece)
        return FileSum(size, found.hexdigest())

    def _piece(self, key: str, start: int, length: int) -> bytes | None:
        def question() -> bytes | None:
            try:
                return self._again.get_range(key, start=start, length=length).to_bytes()
            except FileNotFoundError as error:
                return self._missing(error)

        return self._ask(key, question)

    def listed(self, prefix: str) -> list[Listed]:
        """All objects below a prefix, in the order of their keys."""

        def question() -> list[Listed]:
            pages = self._again.list(prefix or None, chunk_size=1000)
            found = [one for page in pages for one in page]
            return sorted(
                Listed(
                    one["path"], one["size"], one["e_tag"] or "", one["last_modified"].timestamp()
                )
                for one in found
            )

        return self._ask(prefix, question)

    def some(self, prefix: str) -> bool:
        """Whether there is an object below a prefix."""
        return self._ask(prefix, lambda: any(self._again.list(prefix, chunk_size=1)))

    def names(self, prefix: str) -> tuple[list[str], list[Listed]]:
        """The prefixes directly below a prefix, by their last parts, and the objects there."""

        def question() -> tuple[list[str], list[Listed]]:
            found = self._again.list_with_delimiter(prefix)
            return [one.rpartition("/")[2] for one in found["common_prefixes"]], [
                Listed(
                    one["path"], one["size"], one["e_tag"] or "", one["last_modified"].timestamp()
                )
                for one in found["objects"]
            ]

        return self._ask(prefix, question)

    # -- writing

    def put(self, key: str, content: bytes) -> None:
        """Writes an object, over what was there."""
        self._ask(key, lambda: self._again.put(key, content, use_multipart=False))

    def send(self, key: str, path: Path) -> None:
        """Writes a file as an object, in parts where it is large, over what was there."""

        def question() -> None:
            with _opened(path):
                self._again.put(key, path, chunk_size=PART_BYTES, max_concurrency=4)

        self._ask(key, question)

    def create(self, key: str, content: bytes) -> dict[str, str] | None:
        """Writes an object if there is none, and returns its tag; None where there is one."""
        return self._conditional(key, content, None)

    def replace(self, key: str, content: bytes, tag: dict[str, str]) -> dict[str, str] | None:
        """Writes an object in place of the one with this tag, and returns the new tag; None where
        it has another, or is gone.
        """
        return self._conditional(key, content, tag)

    def _conditional(
        self, key: str, content: bytes, tag: dict[str, str] | None
    ) -> dict[str, str] | None:
        mode: Any = "create" if tag is None else tag
        doubt = False
        """Whether an earlier try may have taken effect."""

        def written() -> dict[str, str] | None:
            found = self._found_once(key)
            return found.tag if found is not None and found.content == content else None

        def question() -> dict[str, str] | None:
            nonlocal doubt
            if doubt:
                found = self._found_once(key)
                if found is not None and found.content == content:
                    return found.tag
                if not _same(found.tag if found is not None else None, tag):
                    return None
            try:
                return _tag(self._once.put(key, content, mode=mode, use_multipart=False))
            except Exception as error:
                gone = _status(error) == 404 and tag is not None and "NoSuchKey" in str(error)
                if _status(error) == 412 or gone:
                    return written() if doubt else None
                doubt = True
                raise

        return self._ask(key, question)

    def _found_once(self, key: str) -> Found | None:
        try:
            found = self._once.get(key)
            return Found(bytes(found.bytes()), _tag(found.meta))
        except FileNotFoundError as error:
            return self._missing(error)

    def delete(self, keys: Iterable[str]) -> None:
        """Removes objects; those that are not there are no error."""
        listed = list(keys)
        if listed:
            self._ask(listed[0], lambda: self._delete(listed))

    def _delete(self, keys: list[str]) -> None:
        try:
            self._again.delete(keys)
        except FileNotFoundError as error:
            self._missing(error)

    # -- what is asked, and what an answer means

    def checked(self) -> None:
        """StoreError where the store can't be written to, or ignores the conditions of conditional
        writes, which some servers that speak S3 do.
        """
        key = f".probes/{uuid.uuid4().hex}"
        try:
            first = self.create(key, b"1")
            if first is None or self.create(key, b"2") is not None:
                raise StoreError(self._unconditional())
            if self.replace(key, b"3", first) is None or self.replace(key, b"4", first) is not None:
                raise StoreError(self._unconditional())
        finally:
            self.delete([key])

    def _unconditional(self) -> str:
        return (
            f"{self.place}: this object store ignores conditions on writes (If-None-Match, "
            "If-Match), so two workers could not agree on anything there; use one that honours them"
        )

    def _ask(self, key: str, question: Callable[[], T]) -> T:
        """The answer; StoreError where it is no, StoreAway where there is none."""

        def asked() -> T:
            try:
                return question()
            except (StoreError, NoAnswer):
                raise
            except Exception as error:
                raise self._meaning(error, key) from error

        return self.patience.ask(asked)

    def _missing(self, error: FileNotFoundError) -> Any:
        """None for an object that is not there; StoreError where the whole bucket is not."""
        if "NoSuchBucket" in str(error) or "ContainerNotFound" in str(error):
            raise StoreError(f"{self.place}: there is no such bucket; make it, or give another")
        return None

    def _meaning(self, error: Exception, key: str) -> Exception:
        """What an error of obstore means to us."""
        text, status = str(error), _status(error)
        where = self.where(key)
        if "169.254.169.254" in text or "metadata.google.internal" in text:
            return StoreError(
                f"{self.place}: no credentials were found, in the environment, the profile or the "
                "machine's role; `aws sts get-caller-identity`, or your cloud's like, says more"
            )
        if status == 507 or (status is not None and _FULL.search(_code(text))):
            return StoreError(
                f"{where}: the store is full ({_code(text) or status}); free some space or raise "
                "its quota, and run the same command again: what has a record is kept"
            )
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError | TimeoutError):
            return store_error(error, str(error.filename or where))
        if status in (401, 403):
            return StoreError(
                f"{where}: access is denied ({_code(text) or status}); its credentials must be "
                "allowed to read, write, list and delete there"
            )
        if "NoSuchBucket" in text or "ContainerNotFound" in text:
            return StoreError(f"{self.place}: there is no such bucket; make it, or give another")
        if status is None or status in _AGAIN:
            return NoAnswer(f"it answered {status}" if status else _silence(text))
        return StoreError(f"{where}: the store refused ({_code(text) or status})")


@lru_cache(maxsize=32)
def _opened_once(place: str, environment: tuple[tuple[str, str], ...]) -> Objects:
    return Objects(place)


def objects_at(place: str) -> Objects:
    """The objects at an address; a process has one for each address and environment, so that its
    connections and what it knows of a silence are shared.
    """
    begins = ("AWS_", "GOOGLE_", "AZURE_")
    return _opened_once(
        place, tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith(begins)))
    )


def _client(place: str, retries: int) -> Any:
    from datetime import timedelta

    from obstore import store as obstores

    from_url: Any = obstores.from_url
    options: dict[str, Any] = {"timeout": f"{TIMEOUT_SECONDS}s", "connect_timeout": "10s"}
    if any(v.startswith("http://") for k, v in os.environ.items() if "ENDPOINT" in k):
        options["allow_http"] = True
    more: dict[str, Any] = {}
    if place.startswith("s3"):
        more.update(_profile())
        if endpoint := os.environ.get("AWS_ENDPOINT_URL_S3"):
            more["endpoint"] = endpoint
    patience: Any = {"max_retries": retries, "retry_timeout": timedelta(seconds=TIMEOUT_SECONDS)}
    try:
        return from_url(place, client_options=options, retry_config=patience, **more)
    except Exception as error:
        raise StoreError(
            f"{place}: no object store can be opened there ({_said(error)})"
        ) from error


def _profile() -> dict[str, str]:
    """Keys of the profile in AWS's own file of credentials, where the environment has none."""
    environment = os.environ
    if environment.get("AWS_ACCESS_KEY_ID") or environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return {}
    default = Path.home() / ".aws" / "credentials"
    file = configparser.RawConfigParser()
    try:
        file.read(environment.get("AWS_SHARED_CREDENTIALS_FILE") or default, encoding="utf-8")
        section = file[environment.get("AWS_PROFILE", "default")]
        found = {
            "access_key_id": section["aws_access_key_id"],
            "secret_access_key": section["aws_secret_access_key"],
        }
    except (configparser.Error, KeyError, OSError, UnicodeDecodeError):
        return {}
    token = section.get("aws_session_token")
    return {**found, **({"session_token": token} if token else {})}


def _tag(meta: Any) -> dict[str, str]:
    """What `replace` needs: on Google's store the version, elsewhere the e-tag."""
    known = {"e_tag": meta["e_tag"], "version": meta["version"]}
    return {name: value for name, value in known.items() if value is not None and value != "null"}


def _same(one: dict[str, str] | None, other: dict[str, str] | None) -> bool:
    """Whether two tags are of the same object as it was written at one time."""
    if one is None or other is None:
        return one is other
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def _status(error: Exception) -> int | None:
    """The HTTP status that an error of obstore tells; None where there was no answer."""
    kept = _KEPT.search(str(error))
    if kept:
        return 403 if kept[1] == "AccessDenied" else None
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def _code(text: str) -> str:
    """The store's own word for an error."""
    found = _KEPT.search(text) or _CODE.search(text)
    return found[1] if found else ""


def _said(error: Exception) -> str:
    return first_line(error, 160)


def _silence(text: str) -> str:
    """Why there was no answer, without the address and the time of the one question."""
    told = first_line(text).rpartition(" - ")[2] or first_line(text)
    return told.removeprefix("HTTP error: ")[:120]


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    """OSError, as the machine says it, where a file can't be read: obstore hides the reason."""
    with open(path, "rb"):
        yield
