"""Whether every node sees the store: what is asked, and what a node that does not becomes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xstilts.driver import nodes
from xstilts.errors import InputError, StoreError

Answers = dict[str, Any]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Node to how it answers: `asks` runs the question, a value is the answer, an error is raised,
    None never comes. The node `head` is this one.
    """
    every: Answers = {}

    class Asking:
        def __init__(self, question: Any) -> None:
            self._question = question

        def options(self, *, scheduling_strategy: Any, **more: Any) -> Asking:
            self._node = scheduling_strategy.node_id
            return self

        def remote(self, path: str) -> tuple[str, Any]:
            how = every[self._node]
            return self._node, self._question(path) if how == "asks" else how

    def get(one: tuple[str, Any]) -> Any:
        if isinstance(one[1], Exception):
            raise one[1]
        return one[1]

    def listed() -> list[dict[str, Any]]:
        named = [{"NodeID": name, "NodeManagerAddress": f"at-{name}"} for name in ("head", *every)]
        return [{**one, "Alive": True} for one in named] + [{"NodeID": "old", "Alive": False}]

    fake = SimpleNamespace(
        get_runtime_context=lambda: SimpleNamespace(get_node_id=lambda: "head"),
        nodes=listed,
        remote=Asking,
        wait=lambda ones, **more: ([one for one in ones if one[1] is not None], []),
        get=get,
    )
    monkeypatch.setattr(nodes, "ray", fake)
    monkeypatch.setattr(
        nodes,
        "NodeAffinitySchedulingStrategy",
        lambda node, soft: SimpleNamespace(node_id=node),
    )
    return every


def test_folder_that_all_nodes_see_is_good_and_left_as_it_was(
    answers: Answers, tmp_path: Path
) -> None:
    answers.update(a="asks", b="asks")
    nodes.require_shared(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nodes_that_do_not_see_the_folder_are_named(answers: Answers, tmp_path: Path) -> None:
    answers.update(a="asks", b=False, c=False)
    with pytest.raises(InputError, match=r"do not see: at-b, at-c; give --store a folder that all"):
        nodes.require_shared(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_node_that_dies_or_does_not_answer_lacks_nothing(answers: Answers, tmp_path: Path) -> None:
    answers.update(a=RuntimeError("the node died"), b=None)
    nodes.require_shared(tmp_path)


def test_cluster_of_this_node_alone_is_not_asked(answers: Answers, tmp_path: Path) -> None:
    nodes.require_shared(tmp_path / "not-even-there")


def test_node_sees_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    assert nodes._sees(str(tmp_path / "here"))
    assert not nodes._sees(str(tmp_path / "gone")) and not nodes._sees("/no/such/folder/file")


def test_worker_of_a_node_without_the_store_refuses_the_phase(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"this node, .*, does not see the store of the run"):
        nodes.require_here(str(tmp_path))
    (tmp_path / "leases").mkdir()
    nodes.require_here(str(tmp_path))
    nodes.require_here("s3://bucket/store")
