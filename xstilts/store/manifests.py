"""Files that belong together in an object store: a phase with its checkpoint and predictions.

    .manifests/phases/<id>              which files the phase has, one small JSON object
    .files/phases/<id>/<unique>/<name>  their contents, where they are not small texts

A file is visible when the manifest names it, with its size, its SHA-256 and the key of its content
(or the content itself, for a short text). The content is sent first, under a key that nobody else
uses, in as many parts and tries as it takes; then the manifest is replaced, if it is still the one
that was read. So a change of any size is seen whole or not at all, and of two writers each sees the
other's change before it makes its own.

The manifest also says who *owns* the files. Whoever takes them over writes a token of its own into
it, and from then on no change of an earlier owner can be made: its next one finds another owner.
Contents that no manifest names are rubbish, left by writers that were killed or came too late.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xstilts.spec.digests import digest
from xstilts.store.sums import FileSum, of_bytes

MANIFESTS, FILES = ".manifests", ".files"
"""Prefixes of keys. No name of a file begins with a dot, so they are nobody else's."""
TEXT_BYTES = 32 * 1024
"""A text up to this size lies in the manifest itself."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file."""

    sum: FileSum
    key: str = ""
    """Of the object with its content; empty for a text."""
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The files that belong together."""

    owner: str = ""
    """Token of who may change them; empty where nobody has taken them."""
    files: Mapping[str, Entry] = field(default_factory=dict)

    def content(self) -> bytes:
        """The object. No two are the same, so that a writer knows its own."""
        files = {
            name: [*one.sum, one.key] if one.text is None else [*one.sum, "", one.text]
            for name, one in self.files.items()
        }
        values = {"owner": self.owner, "files": files, "change": uuid.uuid4().hex}
        return json.dumps({**values, "digest": digest(values)}, sort_keys=True).encode()

    def with_files(self, files: Mapping[str, Entry]) -> Manifest:
        """With other files."""
        return replace(self, files=files)

    def owned_by(self, token: str) -> Manifest:
        """With another owner."""
        return replace(self, owner=token)

    def below(self, prefix: str) -> dict[str, Entry]:
        """The files below a prefix, by the rest of their names; all for an empty one."""
        if not prefix:
            return dict(self.files)
        start = f"{prefix}/"
        return {
            name[len(start) :]: one
            for name, one in self.files.items()
            if name[: len(start)] == start
        }

    def without(self, prefix: str) -> dict[str, Entry]:
        """The files that are not this one and not below it."""
        start = f"{prefix}/"
        return {
            name: one
            for name, one in self.files.items()
            if prefix and name != prefix and not name.startswith(start)
        }


def read_manifest(content: bytes) -> Manifest:
    """The manifest in an object; ValueError where it is not as it was written."""
    try:
        values: dict[str, Any] = json.loads(content)
        written = values.pop("digest")
        if digest(values) != written:
            raise ValueError("its digest does not fit")
        return Manifest(
            owner=values["owner"], files={k: _entry(v) for k, v in values["files"].items()}
        )
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is no manifest ({error!r})") from error


def _entry(value: list[Any]) -> Entry:
    size, sha256, key, *text = value
    return Entry(sum=FileSum(size, sha256), key=key, text=text[0] if text else None)


def text_entry(content: bytes) -> Entry | None:
    """The entry of a short text; None for what is long or no text."""
    if len(content) > TEXT_BYTES:
        return None
    try:
        return Entry(sum=of_bytes(content), text=content.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def manifest_key(bundle: str) -> str:
    """Key of the manifest of `phases/<id>`."""
    return f"{MANIFESTS}/{bundle}"


def new_keys(bundle: str) -> str:
    """A prefix of keys that nobody else has."""
    return f"{FILES}/{bundle}/{uuid.uuid4().hex}"
