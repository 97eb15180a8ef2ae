"""What every implementation of `Files` promises. A test file of an implementation inherits this
class and gives `files`: two objects on the same storage, as two processes would have them.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.hostile import LEADING_OUT, listing
from xstilts.errors import StoreError
from xstilts.store.files import Files

Pair = tuple[Files, Files]


class FilesContract:
    """The suite."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> Pair:
        raise NotImplementedError

    # -- whole files

    def test_file_that_was_never_written_is_none(self, files: Pair) -> None:
        one, _ = files
        assert one.read("a/b.json") is None and not one.has("a/b.json")
        assert one.names("a") == [] and one.names("a/b.json") == []

    def test_file_is_read_back_by_others(self, files: Pair) -> None:
        one, two = files
        one.write("a/b.json", b"\x00first")
        assert two.read("a/b.json") == b"\x00first" and two.has("a/b.json")
        two.write("a/b.json", b"")
        assert one.read("a/b.json") == b""

    def test_prefix_is_no_file(self, files: Pair) -> None:
        one, _ = files
        one.write("a/b/c", b"x")
        assert not one.has("a/b")

    def test_file_that_many_write_at_once_is_always_whole(self, files: Pair) -> None:
        contents = [bytes([number]) * 50_000 for number in range(6)]
        files[0].write("shared", contents[0])
        threads = [
            threading.Thread(target=files[number % 2].write, args=("shared", content))
            for number, content in enumerate(contents)
        ]
        for thread in threads:
            thread.start()
        seen = [files[number % 2].read("shared") for number in range(50)]
        for thread in threads:
            thread.join()
        assert {*seen, files[0].read("shared")} <= set(contents)

    def test_names_are_the_parts_directly_below_in_order(self, files: Pair) -> None:
        one, two = files
        for name in ("p/b/record.json", "p/a/record.json", "p/a/model/x", "p/c", "q/d"):
            one.write(name, b"x")
        assert two.names("p") == ["a", "b", "c"]
        assert two.names("p/a") == ["model", "record.json"]

    def test_sizes_are_those_of_all_files_below(self, files: Pair) -> None:
        one, two = files
        for name, size in (("p/a", 0), ("p/b/c", 3), ("p/b/d/e", 50_000), ("pq", 9)):
            one.write(name, b"x" * size)
        assert two.sizes("p") == {"a": 0, "b/c": 3, "b/d/e": 50_000}
        assert two.sizes("p/b") == {"c": 3, "d/e": 50_000}
        assert two.sizes("none") == {}

    def test_where_names_the_file(self, files: Pair) -> None:
        one, _ = files
        assert one.where("a/b.json").endswith("a/b.json")

    # -- swap

    def test_swap_creates_a_file_once(self, files: Pair) -> None:
        one, two = files
        assert one.swap("p/lease", None, b"mine")
        assert not two.swap("p/lease", None, b"yours")
        assert two.read("p/lease") == b"mine"

    def test_swap_changes_what_nobody_else_has_changed(self, files: Pair) -> None:
        one, two = files
        one.swap("lease", None, b"1")
        assert two.swap("lease", b"1", b"2")
        assert not one.swap("lease", b"1", b"3")
        assert one.read("lease") == b"2"

    def test_swap_of_a_file_that_is_gone_changes_nothing(self, files: Pair) -> None:
        one, _ = files
        assert not one.swap("lease", b"1", b"2")
        assert one.read("lease") is None

    def test_swap_removes_what_nobody_else_has_changed(self, files: Pair) -> None:
        one, two = files
        one.swap("p/lease", None, b"1")
        assert not two.swap("p/lease", b"0", None)
        assert two.swap("p/lease", b"1", None)
        assert one.read("p/lease") is None and one.names("p") == []

    @pytest.mark.parametrize("before", [None, b"old"])
    def test_swap_of_many_at_once_one_succeeds(self, files: Pair, before: bytes | None) -> None:
        won, barrier = [], threading.Barrier(8)
        if before is not None:
            files[0].swap("lease", None, before)

        def attempt(number: int) -> None:
            barrier.wait()
            if files[number % 2].swap("lease", before, b"%d" % number):
                won.append(b"%d" % number)

        threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [files[0].read("lease")]

    # -- removing

    def test_remove_takes_a_file_or_all_below_a_prefix(self, files: Pair) -> None:
        one, two = files
        for name in ("p/a", "p/b/c", "p/bc"):
            one.write(name, b"x")
        one.remove("p/b")
        assert two.names("p") == ["a", "bc"]
        one.remove("p/a")
        assert two.names("p") == ["bc"]

    def test_remove_of_nothing_is_fine(self, files: Pair) -> None:
        files[0].remove("p/none")

    # -- folders

    def test_folder_that_is_kept_can_be_opened_by_others(self, files: Pair) -> None:
        one, two = files
        with one.scratch("p/partial") as made:
            (made / "sub").mkdir()
            (made / "weights").write_bytes(b"w" * 1000)
            (made / "sub" / "config").write_bytes(b"c")
            one.keep(made, "p/model")
        folder = two.folder("p/model")
        assert (folder / "weights").read_bytes() == b"w" * 1000
        assert (folder / "sub" / "config").read_bytes() == b"c"
        assert two.names("p/model") == ["sub", "weights"]
        assert two.read("p/model/weights") == b"w" * 1000

    def test_folder_takes_the_place_of_the_one_before(self, files: Pair) -> None:
        one, two = files
        for name in ("old", "new"):
            with one.scratch("p") as made:
                (made / name).write_bytes(b"x")
                one.keep(made, "p/model")
        assert two.names("p/model") == ["new"]
        assert [path.name for path in two.folder("p/model").iterdir()] == ["new"]

    def test_folder_that_was_opened_can_be_kept_under_another_name(self, files: Pair) -> None:
        one, two = files
        one.write("phases/a/record.json", b"torn")
        one.write("phases/a/model/x", b"x")
        one.keep(one.folder("phases/a"), "phases/a.damaged")
        one.remove("phases/a")
        assert two.names("phases") == ["a.damaged"]
        assert two.read("phases/a.damaged/record.json") == b"torn"
        assert two.read("phases/a.damaged/model/x") == b"x"

    def test_folder_of_nothing_has_nothing_in_it(self, files: Pair) -> None:
        folder = files[0].folder("p/none")
        assert not folder.exists() or not list(folder.iterdir())

    def test_scratch_is_empty_and_gone_afterwards_and_never_listed(self, files: Pair) -> None:
        one, two = files
        with one.scratch("p") as first, one.scratch("p") as second:
            assert first != second and list(first.iterdir()) == []
            (first / "x").write_bytes(b"x")
            assert two.names("p") == []
        assert not first.exists() and not second.exists()

    def test_scratch_of_a_block_that_fails_is_gone_and_its_error_is_not_changed(
        self, files: Pair
    ) -> None:
        with pytest.raises(OSError, match="mine"), files[0].scratch("p") as made:
            raise OSError("mine")
        assert not made.exists()

    def test_scratch_that_a_killed_process_left_goes_with_its_prefix(self, files: Pair) -> None:
        left = files[0].scratch("p/partial")
        made = left.__enter__()
        files[1].remove("p/partial")
        assert not made.exists()
        left.__exit__(None, None, None)

    # -- hostile names

    @pytest.mark.parametrize("name", [*LEADING_OUT, "a\nb", "x" * 300, ".lock", "p/.scratch-x"])
    def test_name_that_is_none_is_refused_and_nothing_is_touched(
        self, files: Pair, tmp_path: Path, name: str
    ) -> None:
        one, _ = files
        one.write("p/a", b"mine")
        (made := tmp_path / "made").mkdir()
        (made / "x").write_bytes(b"x")
        before = listing(tmp_path.parent)
        for full in {name, f"p/{name}/q", f"p/{name}"} - {"p/a"}:
            with pytest.raises(StoreError):
                one.read(full)
            with pytest.raises(StoreError):
                one.has(full)
            with pytest.raises(StoreError):
                one.names(full)
            with pytest.raises(StoreError):
                one.write(full, b"x")
            with pytest.raises(StoreError):
                one.swap(full, None, b"x")
            with pytest.raises(StoreError):
                one.remove(full)
            with pytest.raises(StoreError):
                one.folder(full)
            with pytest.raises(StoreError):
                one.keep(made, full)
            with pytest.raises(StoreError), one.scratch(full):
                pass
        assert listing(tmp_path.parent) == before
        assert one.read("p/a") == b"mine"

    @pytest.mark.parametrize("name", ["a b", "-rf", "A", "\uff0e\uff0e", "~", "a\\b", "x" * 200])
    def test_name_that_only_looks_strange_is_a_name(self, files: Pair, name: str) -> None:
        one, two = files
        one.write(f"p/{name}", b"x")
        assert two.names("p") == [name] and two.read(f"p/{name}") == b"x"
        one.remove(f"p/{name}")
        assert two.names("p") == []

    def test_names_that_differ_in_capitals_are_two(self, files: Pair) -> None:
        one, _ = files
        one.write("p/a", b"1")
        one.write("p/A", b"2")
        assert (one.read("p/a"), one.read("p/A")) == (b"1", b"2")
