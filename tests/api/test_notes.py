"""What a reader of the results should know, though nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import xstilts
from tests.support.tiny import make_sweep


def test_notes_name_every_target_of_a_repeated_training(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("name: x\nmodels: [a]\nintermediates: [none, squad]\ntargets: [xquad, mlqa]\n")
    notes = xstilts.plan(file, store=str(tmp_path / "store")).notes
    assert "squad is an intermediate and the training data of xquad, mlqa" in notes


def test_notes_shared_heads_that_nobody_can_share_are_told(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    mixture = "{mixture: [MEMBERS], name: m, heads: shared}"
    head = f"name: x\nmodels: [a]\ntargets: [xquad]\nintermediates: [none, {mixture}]\n"
    told = "m: heads are shared, but no two members have one format and the same labels"
    for members, alone in (("squad, mnli", True), ("squad, mnli, snli", False)):
        file.write_text(head.replace("MEMBERS", members))
        assert (told in xstilts.plan(file, store=str(tmp_path / "store")).notes) is alone


def test_check_member_of_a_mixture_without_an_update_is_told(tmp_path: Path) -> None:
    # 12 steps: a share of 0.02 is 0.24 updates, and the largest remainder goes to the other
    mixture = {"mixture": ["first", "topic"], "name": "m", "rates": {"fixed": {"first": 0.02}}}
    told = (
        "m: first has 0.24 of 12 updates by its rate, so none: it is never trained; raise its "
        "rate, or the steps"
    )
    assert (
        told
        in xstilts.check(make_sweep(tmp_path, intermediates=["none", mixture]), leaks=False).notes
    )
    mixture["rates"] = "uniform"
    assert (
        told
        not in xstilts.check(
            make_sweep(tmp_path, intermediates=["none", mixture]), leaks=False
        ).notes
    )
