"""What a reader of the results should know, though nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import xstilts
from tests.support.sweeps import small, task
from tests.support.tiny import make_sweep
from xstilts.api.notes import of_plan
from xstilts.planning import make_plan
from xstilts.spec.sweep import Pretraining, Search
from xstilts.spec.task import Splits


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


def test_notes_name_splits_that_are_cut_out_of_others_and_serve_twice() -> None:
    cut = task("tags").model_copy(
        update={"splits": Splits(train="train[:80%]", dev="test", test="test")}
    )
    found = of_plan(make_plan(small(intermediates=("none",), targets=("tags",), tasks=(cut,))))
    assert "tags: train is cut out of another split: train[:80%]" in found
    assert "tags: the development split is also the reported one (test)" in found


def test_notes_of_the_oracle_and_of_a_pretraining_say_what_they_mean() -> None:
    start = Pretraining(name="zero", task="lines", config={}, tokenizer="generator")
    sweep = small(
        models=(start,),
        tasks=(*small().tasks, task("lines", "masked_lm")),
        search=Search(selection="oracle"),
    )
    text = "\n".join(of_plan(make_plan(sweep)))
    assert "not zero-shot" in text
    assert "zero is pretrained from its configuration first" in text


def test_notes_name_tags_without_positions_where_chunks_are_counted() -> None:
    tagged = task("tags", "tagging").model_copy(
        update={"labels": ("O", "ORG", "B-LOC"), "metric": "chunk_f1"}
    )
    found = of_plan(make_plan(small(intermediates=("none",), targets=("tags",), tasks=(tagged,))))
    (told,) = (one for one in found if "counts chunks" in one)
    assert told.startswith("tags: chunk_f1 counts chunks, and ORG has no position such as B-")
