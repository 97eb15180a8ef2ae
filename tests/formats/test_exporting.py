"""What the formats share when they say where a head belongs in transformers."""

from __future__ import annotations

from typing import Any

import torch

from xstilts.formats import exporting
from xstilts.spec.task import UNSEEN


def test_label_of_unseen_tags_has_no_name(make_task: Any) -> None:
    task = make_task("tagging", labels=("N", "V", UNSEEN))
    assert exporting.named_labels(task) == {
        "id2label": {0: "N", 1: "V"},
        "label2id": {"N": 0, "V": 1},
    }


def test_first_token_head_stands_in_robertas_head_or_in_a_pooler() -> None:
    roberta, bert, albert = exporting.first_token("classifier")
    assert roberta["classifier.out."] == "classifier.out_proj."
    assert bert["classifier.dense."] == exporting.BODY + "pooler.dense."
    assert albert["classifier.dense."] == exporting.BODY + "pooler."
    assert exporting.pooled("classifier") == (bert, albert)


def test_content_leaves_out_the_first_and_the_last_token_of_each_text() -> None:
    mask_BL = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    found = exporting.content({"attention_mask_BL": mask_BL})["content_mask_BL"]
    assert found.tolist() == [[0, 1, 1, 0], [0, 1, 0, 0]]
    assert mask_BL.sum() == 7


def test_vectors_of_a_sweep_are_those_of_the_tasks_own_state() -> None:
    swept = torch.arange(12.0).reshape(2, 3, 2)
    assert torch.equal(exporting.own_vectors(swept, None), swept[:, 0])
    assert torch.equal(exporting.own_vectors(swept[:, 1], None), swept[:, 1])
