"""Files in an object store.

A name of one or two parts (`leases/x.json`) is an object of that key. A longer one (`phases/<id>/
model/config.json`) belongs to the files of its first two parts, which have one manifest
(`manifests`): what is written there is seen whole or not at all, and can be left to one owner. A
folder is fetched to this machine once (`node_cache`).

Object stores can replace an object on a condition, but not all can remove one on a condition. So
`swap` to nothing writes a mark in place of the file, which counts as none; `sweep_up` removes old
marks, and contents that no manifest names.
"""

from __future__ import annotations

import random
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from xstilts.errors import CorruptError, LeaseLost, StoreError
from xstilts.store import sums
from xstilts.store.files import Rubbish, required
from xstilts.store.local_files import store_error
from xstilts.store.manifests import (
    FILES,
    MANIFESTS,
    Entry,
    Manifest,
    manifest_key,
    new_keys,
    read_manifest,
    text_entry,
)
from xstilts.store.node_cache import NodeCache
from xstilts.store.objects import Found, Objects
from xstilts.store.sums import FileSums

GONE = b"xstilts: this file was removed\n"
"""In place of a file that was swapped away."""
DAMAGED = f"{MANIFESTS}/damaged"
"""Manifests of what was moved aside, which name contents that lie with others."""
FILES_AT_ONCE = 4
"""Files of a folder that are sent or fetched at the same time."""
AHEAD_SECONDS = 300.0
"""How long what was read ahead is believed."""
RUBBISH_SECONDS = 7 * 24 * 3600.0
"""Contents that no manifest names, and marks, are removed when they are this old: whoever is
writing them may still name them.
"""


class _Read(NamedTuple):
    """A manifest as it was read, with what `replace` needs."""

    manifest: Manifest
    found: Found | None


class ObjectFiles:
    """`Files` below an address. Thread-safe."""

    def __init__(self, objects: Objects, home: Path, owned: tuple[str, str] | None = None) -> None:
        """`home`: a folder of this machine for copies and scratch. `owned`: files that are this
        object's, by their prefix, and its token.
        """
        self.objects, self.home, self._owned = objects, home, owned
        self._cache = NodeCache(home / "copies")
        self._ahead: dict[str, tuple[_Read, float]] = {}
        self._mine: _Read | None = None
        """An owner's manifest as it has left it: nobody else changes it but who takes it over, and
        then no change that rests on this one can be made.
        """

    def where(self, name: str) -> str:
        """The address. That of a file with a manifest is where one looks for it first."""
        return self.objects.where(name)

    # -- reading

    def read(self, name: str) -> bytes | None:
        """The content; None where there is none."""
        bundle, rest = _split(required(name))
        if not bundle:
            found = self.objects.get(name)
            return found.content if found is not None and found.content != GONE else None
        for again in (False, True):
            entry = self._manifest(bundle, fresh=again).manifest.files.get(rest)
            if entry is None:
                return None
            if entry.text is not None:
                return entry.text.encode()
            found = self.objects.get(entry.key)
            if found is not None:
                return found.content
        return None

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        bundle, rest = _split(required(name))
        if not bundle:
            return self.read(name) is not None
        return rest in self._manifest(bundle).manifest.files

    def names(self, prefix: str) -> list[str]:
        """Names directly under a prefix."""
        bundle, rest = _split(required(prefix), whole=True)
        if bundle:
            below = self._manifest(bundle).manifest.below(rest)
            return sorted({name.split("/")[0] for name in below})
        _, files = self.objects.names(prefix)
        _, manifests = self.objects.names(f"{MANIFESTS}/{prefix}")
        there = [*self._not_gone((one.key, one.size) for one in files), *(m.key for m in manifests)]
        return sorted({key.rpartition("/")[2] for key in there})

    def _not_gone(self, listed: Iterable[tuple[str, int]]) -> list[str]:
        sizes = dict(listed)
        maybe = [key for key, size in sizes.items() if size == len(GONE)]
        read = dict(zip(maybe, self.objects.many(maybe), strict=True))
        gone = {key for key, found in read.items() if found is None or found.content == GONE}
        return [key for key in sizes if key not in gone]

    def some(self, prefix: str) -> bool:
        """Whether there is a file under a prefix."""
        bundle, rest = _split(required(prefix), whole=True)
        if bundle:
            return bool(self._manifest(bundle).manifest.below(rest))
        return self.objects.some(f"{MANIFESTS}/{prefix}") or bool(self.names(prefix))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Bytes of the files under a prefix."""
        bundle, rest = _split(required(prefix), whole=True)
        if bundle:
            below = self._manifest(bundle).manifest.below(rest)
            return {name: one.sum.size for name, one in below.items()}
        sizes = {one.key: one.size for one in self.objects.listed(prefix)}
        start = len(prefix) + 1
        found = {key[start:]: sizes[key] for key in self._not_gone(sizes.items())}
        manifests = [one.key for one in self.objects.names(f"{MANIFESTS}/{prefix}")[1]]
        for key in manifests:
            name = key.rpartition("/")[2]
            files = self._manifest(f"{prefix}/{name}").manifest.files
            found.update({f"{name}/{rest}": one.sum.size for rest, one in files.items()})
        return found

    def fault(self, prefix: str, meant: FileSums) -> str:
        """How files differ from what they are meant to be; they are read, and not kept here."""
        bundle, rest = _split(required(prefix), whole=True)
        entries = self._manifest(bundle).manifest.below(rest)
        keys = {one.key: one.sum.size for one in entries.values() if one.key}
        read = self.objects.together(lambda key: self.objects.sum(key, keys[key]), list(keys))
        found = dict(zip(keys, read, strict=True))
        there = {
            name: sums.of_bytes(one.text.encode()) if one.text is not None else found[one.key]
            for name, one in entries.items()
        }
        return sums.fault_of_sums({k: v for k, v in there.items() if v is not None}, meant)

    def expect(self, prefixes: Iterable[str], having: str) -> set[str]:
        """Reads the manifests of what is about to be read, several at the same time."""
        bundles = [bundle for bundle, rest in map(_whole, prefixes) if bundle and not rest]
        lacking: set[str] = set()
        for bundle, read in self._read_together(bundles).items():
            if having in read.manifest.files:
                self._ahead[bundle] = read, time.monotonic()
            else:
                lacking.add(bundle)
        return lacking

    def _read_together(self, bundles: Sequence[str]) -> dict[str, _Read]:
        found = self.objects.many([manifest_key(bundle) for bundle in bundles])
        return {
            bundle: self._parsed(bundle, one) if one is not None else _Read(Manifest(), None)
            for bundle, one in zip(bundles, found, strict=True)
        }

    # -- writing

    def write(self, name: str, content: bytes) -> None:
        """Writes a whole file."""
        bundle, rest = _split(required(name))
        if not bundle:
            self.objects.put(name, content)
            return
        entry = self._sent(bundle, rest, content)
        self._change(bundle, lambda old: {**old.files, rest: entry})

    def swap(self, name: str, before: bytes | None, after: bytes | None) -> bool:
        """Compares and replaces: the object, or its place in the manifest."""
        bundle, rest = _split(required(name))
        if bundle:
            return self._swap_in(bundle, rest, before, after)
        found = self.objects.get(name)
        content = found.content if found is not None and found.content != GONE else None
        if content != before:
            return False
        if found is None:
            return after is None or self.objects.create(name, after) is not None
        new = GONE if after is None else after
        return found.content == new or self.objects.replace(name, new, found.tag) is not None

    def _swap_in(self, bundle: str, rest: str, before: bytes | None, after: bytes | None) -> bool:
        entry = self._sent(bundle, rest, after) if after is not None else None

        def changed(old: Manifest) -> Mapping[str, Entry] | None:
            known = old.files.get(rest)
            content = None
            if known is not None:
                content = (
                    known.text.encode() if known.text is not None else self.read(f"{bundle}/{rest}")
                )
            if content != before:
                return None
            return {**old.files, rest: entry} if entry is not None else old.without(rest)

        return self._change(bundle, changed)

    def _sent(self, bundle: str, rest: str, content: bytes) -> Entry:
        """The entry of a content that is in the store when this returns."""
        entry = text_entry(content)
        if entry is None:
            key = f"{new_keys(bundle)}/{rest}"
            self.objects.put(key, content)
            entry = Entry(sum=sums.of_bytes(content), key=key)
        return entry

    def remove(self, prefix: str) -> None:
        """Removes a file, or everything under a prefix."""
        bundle, rest = _split(required(prefix), whole=True)
        if bundle and rest:
            if self._manifest(bundle, fresh=not self._owns(bundle)).found is not None:
                self._change(bundle, lambda old: old.without(rest))
        else:
            if self._owns(bundle):
                self._change(bundle, lambda old: {})
                self._mine = _Read(Manifest(), None)
            self._remove_plain(prefix)
        shutil.rmtree(self.home / "scratch" / prefix, ignore_errors=True)

    def _contents(self, prefix: str) -> list[str]:
        """Keys of the contents of all files under a prefix that are nobody else's."""
        bundle, _ = _split(prefix, whole=True)
        if not bundle:
            return [one.key for one in self.objects.listed(f"{FILES}/{prefix}")]
        try:
            files = self._manifest(bundle, fresh=True).manifest.files
        except StoreError:  # it is damaged: they are rubbish then
            return []
        return [one.key for one in files.values() if one.key]

    def move(self, prefix: str, to: str) -> None:
        """Names the same contents in another manifest."""
        bundle, rest = _split(required(prefix), whole=True)
        other, more = _split(required(to), whole=True)
        if not bundle or not other or rest or more:
            raise StoreError(f"{self.where(prefix)}: only what has a manifest is moved")
        read = self._manifest(bundle, fresh=True)
        if self.objects.create(manifest_key(other), Manifest(files=read.manifest.files).content()):
            self._ahead.pop(bundle, None)
            self.objects.delete([manifest_key(bundle)])
            return
        raise StoreError(f"{self.where(to)}: there is something already")

    def _remove_plain(self, prefix: str) -> None:
        """Removes an object, and all manifests and contents below a prefix; manifests first."""
        contents = self._contents(prefix)
        there = self.objects.listed(f"{MANIFESTS}/{prefix}")
        self.objects.delete([manifest_key(prefix), *(one.key for one in there)])
        self._ahead = {k: v for k, v in self._ahead.items() if not f"{k}/".startswith(f"{prefix}/")}
        plain = [one.key for one in self.objects.listed(prefix)]
        self.objects.delete([prefix, *plain, *contents])

    # -- owners

    def owned(self, prefix: str, token: str, sure: Callable[[], None]) -> ObjectFiles:
        """These files, for the owner of a prefix."""
        bundle, rest = _split(required(prefix), whole=True)
        if not bundle or rest:
            raise StoreError(f"{self.where(prefix)}: only what has a manifest has an owner")
        while True:
            read = self._manifest(bundle, fresh=True)
            sure()
            if self._put(bundle, read, read.manifest.owned_by(token)):
                own = ObjectFiles(self.objects, self.home, (bundle, token))
                own._mine = self._manifest(bundle, fresh=True)
                return own

    def _change(
        self, bundle: str, changed: Callable[[Manifest], Mapping[str, Entry] | None]
    ) -> bool:
        """Replaces the manifest's files; False, and nothing is changed, where `changed` says None.
        LeaseLost where the files have another owner by now.
        """
        for attempt in range(1000):
            read = self._manifest(bundle, fresh=attempt > 0 or not self._owns(bundle))
            if self._owned and self._owns(bundle) and read.manifest.owner != self._owned[1]:
                raise LeaseLost(taken_over(self.where(bundle)))
            files = changed(read.manifest)
            if files is None:
                return False
            if dict(files) == dict(read.manifest.files):
                return True
            if self._put(bundle, read, read.manifest.with_files(files)):
                self._forget(read.manifest, files)
                return True
            time.sleep(random.uniform(0, 0.02 * min(attempt, 10)))
        raise StoreError(f"{self.where(bundle)}: others change it without end; try again")

    def _put(self, bundle: str, read: _Read, manifest: Manifest) -> bool:
        key, content = manifest_key(bundle), manifest.content()
        self._ahead.pop(bundle, None)
        if read.found is None:
            tag = self.objects.create(key, content)
        else:
            tag = self.objects.replace(key, content, read.found.tag)
        if tag is not None and self._mine is not None and self._owns(bundle):
            self._mine = _Read(manifest, Found(content, tag))
        return tag is not None

    def _owns(self, bundle: str) -> bool:
        """Whether this object is that of the owner of these files."""
        return self._owned is not None and self._owned[0] == bundle

    def _forget(self, old: Manifest, files: Mapping[str, Entry]) -> None:
        """Removes contents that the manifest has named and names no more. What stays is rubbish."""
        still = {one.key for one in files.values()}
        dropped = {one.key for one in old.files.values() if one.key} - still
        try:
            self.objects.delete(sorted(dropped))
        except StoreError:
            return

    def _manifest(self, bundle: str, *, fresh: bool = False) -> _Read:
        if self._mine is not None and not fresh and self._owns(bundle):
            return self._mine
        ahead = self._ahead.get(bundle)
        if ahead is not None and not fresh and time.monotonic() - ahead[1] < AHEAD_SECONDS:
            return ahead[0]
        found = self.objects.get(manifest_key(bundle))
        return self._parsed(bundle, found) if found is not None else _Read(Manifest(), None)

    def _parsed(self, bundle: str, found: Found) -> _Read:
        try:
            return _Read(read_manifest(found.content), found)
        except ValueError as error:
            raise StoreError(
                f"{self.objects.where(manifest_key(bundle))}: damaged ({error}); remove this "
                "object: `xstilts run` makes the phase again"
            ) from error

    # -- folders

    def folder(self, prefix: str) -> Path:
        """A folder of this machine with the files."""
        bundle, rest = _split(required(prefix), whole=True)
        if not bundle:
            raise StoreError(
                f"{self.where(prefix)}: only what has a manifest is opened as a folder"
            )
        try:
            return self._folder(self._manifest(bundle).manifest.below(rest))
        except _Vanished:
            try:
                return self._folder(self._manifest(bundle, fresh=True).manifest.below(rest))
            except _Vanished as gone:
                raise CorruptError(f"{gone}: this content is gone from the store") from gone

    def _folder(self, entries: Mapping[str, Entry]) -> Path:
        if not entries:
            return self.home / "copies" / "none"
        meant = {name: one.sum for name, one in entries.items()}
        return self._cache.opened(meant, lambda made: self._fetch(entries, made))

    def _fetch(self, entries: Mapping[str, Entry], made: Path) -> None:
        """Fetches files to a folder. _Vanished where a content is gone: the manifest, which named
        it, is read again then.
        """

        def one(name: str) -> None:
            entry, path = entries[name], made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.text is not None:
                path.write_bytes(entry.text.encode())
            elif not self.objects.fetch(entry.key, path, entry.sum.size):
                raise _Vanished(self.objects.where(entry.key))

        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            list(pool.map(one, entries))

    def keep(self, local: Path, prefix: str) -> None:
        """Sends the files, then names them in the manifest. The folder becomes the copy here."""
        bundle, rest = _split(required(prefix), whole=True)
        if not bundle:
            raise StoreError(f"{self.where(prefix)}: a folder is kept under two parts or more")
        try:
            meant = sums.of_folder(local)
        except OSError as error:
            raise store_error(error, local) from error
        known = {
            one.sum: one.key for one in self._manifest(bundle).manifest.files.values() if one.key
        }
        keys = new_keys(bundle)

        def sent(name: str) -> Entry:
            key = known.get(meant[name]) or f"{keys}/{_under(rest, name)}"
            if meant[name] not in known:
                self.objects.send(key, local / name)
            return Entry(sum=meant[name], key=key)

        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            made = dict(zip(meant, pool.map(sent, meant), strict=True))
        entries = {_under(rest, name): one for name, one in made.items()}
        self._change(bundle, lambda old: {**(old.without(rest) if rest else {}), **entries})
        self._cache.put(meant, local)

    @contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        """A folder of this machine."""
        made = self.home / "scratch" / required(prefix) / uuid.uuid4().hex
        try:
            made.mkdir(parents=True)
        except OSError as error:
            raise store_error(error, made) from error
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    # -- rubbish

    def rubbish(self, older: float = RUBBISH_SECONDS, now: float | None = None) -> Rubbish:
        """Contents that no manifest names, and marks of removed files, that are older than this
        many seconds.
        """
        before = (time.time() if now is None else now) - older
        contents = [one for one in self.objects.listed(FILES) if one.changed < before]
        plain = [
            one
            for one in self.objects.listed("leases")
            if one.size == len(GONE) and one.changed < before
        ]
        moved = [one.key.removeprefix(f"{MANIFESTS}/") for one in self.objects.listed(DAMAGED)]
        bundles = sorted({*moved, *("/".join(one.key.split("/")[1:3]) for one in contents)})
        manifests = [read.manifest for read in self._read_together(bundles).values()]
        named = {one.key for manifest in manifests for one in manifest.files.values()}
        there = [one for one in contents if one.key not in named]
        live = set(self._not_gone((one.key, one.size) for one in plain))
        there += [one for one in plain if one.key not in live]
        return Rubbish([one.key for one in there], sum(one.size for one in there))


class _Vanished(Exception):
    """A content that a manifest named is gone: the manifest must have changed."""


def taken_over(where: str) -> str:
    """What an owner is told that is none any more."""
    return (
        f"{where}: another worker has taken this over; what this one would have written is dropped"
    )


def _split(name: str, *, whole: bool = False) -> tuple[str, str]:
    """The first two parts of a name that has a manifest, and the rest; two empty texts, or with
    `whole` the two parts and nothing, for one that is an object itself.
    """
    parts = name.split("/", 2)
    if len(parts) == 3:
        return f"{parts[0]}/{parts[1]}", parts[2]
    return (name, "") if whole and len(parts) == 2 else ("", "")


def _whole(prefix: str) -> tuple[str, str]:
    return _split(required(prefix), whole=True)


def _under(rest: str, name: str) -> str:
    return f"{rest}/{name}" if rest else name
