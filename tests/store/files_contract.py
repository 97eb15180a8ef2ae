"""What every implementation of `Files` promises. A test file of an implementation inherits this
class and gives `files`: two objects on the same storage, as two processes would have them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hostile import LEADING_OUT, listing
from xstilts.errors import LeaseLost, StoreError
from xstilts.store.files import Files

Pair = tuple[Files, Files]


def _sure() -> None:
    """The right to own is beyond doubt."""


LATE: dict[str, Callable[[Files, Path], object]] = {
    "write": lambda old, made: old.write("p/a/record.json", b"late"),
    "write of much": lambda old, made: old.write("p/a/predictions/en", b"\xff" * 90_000),
    "create": lambda old, made: old.swap("p/a/record.json", None, b"late"),
    "swap": lambda old, made: old.swap("p/a/spec.json", b"spec", b"late"),
    "swap away": lambda old, made: old.swap("p/a/spec.json", b"spec", None),
    "keep": lambda old, made: old.keep(made, "p/a/model"),
    "keep over": lambda old, made: old.keep(made, "p/a/partial/1"),
    "remove": lambda old, made: old.remove("p/a/spec.json"),
    "remove below": lambda old, made: old.remove("p/a/partial"),
    "remove all": lambda old, made: old.remove("p/a"),
}
"""What an owner may do too late."""


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
        assert two.some("p") and two.some("p/a") and two.some("q")
        assert not two.some("r") and not two.some("p/none")

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

    def test_files_that_are_moved_lie_under_another_name_and_have_no_owner(
        self, files: Pair
    ) -> None:
        one, two = files
        one.write("phases/a/record.json", b"torn")
        one.write("phases/a/model/x", b"x")
        own = one.owned("phases/a", "mine", _sure)
        two.move("phases/a", "phases/a.damaged")
        with pytest.raises(LeaseLost):
            own.write("phases/a/model/x", b"late")
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

    # -- owners

    @pytest.mark.parametrize("late", LATE)
    def test_change_that_an_earlier_owner_makes_late_is_refused_and_not_seen(
        self, files: Pair, tmp_path: Path, late: str
    ) -> None:
        one, two = files
        old = one.owned("p/a", "old", _sure)
        old.write("p/a/spec.json", b"spec")
        old.write("p/a/partial/1/state", b"old state" * 9000)
        new = two.owned("p/a", "new", _sure)
        before = {name: new.read(f"p/a/{name}") for name in new.sizes("p/a")}
        (made := tmp_path / "late").mkdir()
        (made / "x").write_bytes(b"late" * 9000)
        with pytest.raises(LeaseLost, match="another worker has taken this over"):
            LATE[late](old, made)
        assert {name: two.read(f"p/a/{name}") for name in two.sizes("p/a")} == before
        new.write("p/a/spec.json", b"new")
        assert one.read("p/a/spec.json") == b"new"

    def test_owner_changes_its_files_in_every_way(self, files: Pair, tmp_path: Path) -> None:
        one, two = files
        own = one.owned("p/a", "mine", _sure)
        (made := tmp_path / "made").mkdir()
        (made / "x").write_bytes(b"\xff" * 9000)
        own.write("p/a/spec.json", b"spec")
        own.keep(made, "p/a/model")
        assert own.swap("p/a/record.json", None, b"{}")
        assert not own.swap("p/a/record.json", None, b"other")
        own.remove("p/a/spec.json")
        assert two.sizes("p/a") == {"model/x": 9000, "record.json": 2}
        assert own.swap("leases/a", None, b"not owned")
        own.remove("p/a")
        assert two.names("p") == []

    def test_owner_that_lost_its_right_before_it_took_over_takes_nothing(self, files: Pair) -> None:
        one, two = files
        asked: list[int] = []

        def taken_over() -> None:
            asked.append(1)
            if len(asked) > 1:
                raise LeaseLost("lost")
            two.owned("p/a", "new", _sure).write("p/a/x", b"new")

        with pytest.raises(LeaseLost, match="lost"):
            one.owned("p/a", "old", taken_over)
        assert len(asked) == 2
        two.owned("p/a", "newer", _sure).write("p/a/x", b"newer")
        assert one.read("p/a/x") == b"newer"

    def test_of_many_owners_at_once_one_can_write(self, files: Pair) -> None:
        barrier, lost = threading.Barrier(6), []

        def work(number: int) -> None:
            barrier.wait()
            own = files[number % 2].owned("p/a", f"token {number}", _sure)
            try:
                for turn in range(4):
                    own.write(f"p/a/{number}", b"%d" % turn)
            except LeaseLost:
                lost.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(lost) < 6
        done = {number for number in range(6) if files[0].read(f"p/a/{number}") == b"3"}
        assert done >= {*range(6)} - {*lost}

    def test_files_that_were_removed_have_no_owner_any_more(self, files: Pair) -> None:
        one, two = files
        old = one.owned("p/a", "old", _sure)
        old.write("p/a/x", b"old")
        two.remove("p/a")
        with pytest.raises(LeaseLost):
            old.write("p/a/x", b"late")
        assert two.read("p/a/x") is None

    def test_files_that_are_expected_are_read_as_others_are(self, files: Pair) -> None:
        one, two = files
        one.write("p/a/x", b"1")
        one.write("p/b/y", b"1")
        assert two.expect(["p/a", "p/b", "p/none"], "x") <= {"p/b", "p/none"}
        assert two.read("p/a/x") == b"1" and two.read("p/none/x") is None
        one.write("p/b/x", b"2")
        one.write("p/none/x", b"2")
        assert two.read("p/b/x") == b"2" and two.read("p/none/x") == b"2"
        two.write("p/a/x", b"2")
        assert two.read("p/a/x") == b"2"

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
            with pytest.raises(StoreError):
                one.move(full, "q/r")
            with pytest.raises(StoreError):
                one.move("p/a", full)
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
