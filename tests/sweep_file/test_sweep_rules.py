"""What has to go together in a sweep: chains of intermediates."""

from __future__ import annotations

import pytest

from xstilts import sweep_file
from xstilts.errors import SweepError
from xstilts.spec.sweep import Chain, Mixture, Sweep

SWEEP = """name: chained
models: [org/m]
intermediates: [none, {intermediates}]
targets: [xnli]
"""


def loaded(intermediates: str, more: str = "") -> Sweep:
    return sweep_file.loads(SWEEP.replace("{intermediates}", intermediates) + more)


def problems(intermediates: str, more: str = "") -> list[str]:
    with pytest.raises(SweepError) as error:
        loaded(intermediates, more)
    return [problem.message for problem in error.value.problems]


def test_chain_of_tasks_and_mixtures_is_read_in_order() -> None:
    sweep = loaded("{chain: [squad, {mixture: [mnli, qqp]}, mrpc], name: three}")
    chain = sweep.intermediates[1]
    assert isinstance(chain, Chain) and isinstance(chain.chain[1], Mixture)
    assert sweep.labels == ("none", "three")
    assert sweep.stages("three") == ("squad", "mnli+qqp", "mrpc")
    assert sweep.members("three") == ("squad", "mnli", "qqp", "mrpc")
    assert {"squad", "mnli", "qqp", "mrpc", "xnli"} <= {task.name for task in sweep.tasks}


def test_chain_is_called_after_its_stages_where_it_has_no_name() -> None:
    assert loaded("{chain: [squad, mnli]}").labels == ("none", "squad-then-mnli")


@pytest.mark.parametrize(
    "intermediates, message",
    [
        ("{chain: [squad, mnlii]}", 'intermediates[1].chain[1] is "mnlii", which is no task'),
        ("{chain: [squad]}", "intermediates[1].chain has 1 item; must be"),
        ("{chain: [none, squad]}", 'intermediates[1].chain[0] is "none"; the baseline is'),
        ("{chain: [tatoeba, squad]}", "retrieval is not trained, so it can only be a target"),
        ("{chain: [squad, mnli], name: qqp}", '"qqp" is the name of a task or mixture'),
        ("{chain: [squad, mnli], mixture: [squad, mnli]}", "has chain and mixture together"),
        (
            "{chain: [squad, {mixture: [mnli, qqp], rates: [1, 2, 3]}]}",
            "intermediates[1].chain[1].rates has 3 numbers; must have 2",
        ),
        (
            "{chain: [anli_plus, cosmosqa, hellaswag, commonsense_qa, mnli, qqp, squad_v2]}",
            "its name would be",
        ),
    ],
)
def test_chain_that_cannot_be_trained_is_told_where_and_why(
    intermediates: str, message: str
) -> None:
    assert any(message in problem for problem in problems(intermediates))


def test_chain_given_twice_is_told_as_a_duplicate() -> None:
    (problem,) = problems("{chain: [squad, mnli]}, {chain: [squad, mnli]}")
    assert 'intermediates[2] is "squad-then-mnli" again' in problem


def test_overrides_name_the_stages_of_a_chain_and_not_the_chain() -> None:
    more = "overrides: {mnli: {lr: 1.0e-4}}\n"
    assert loaded("{chain: [squad, mnli]}", more).settings("intermediate", "mnli").lr == 1e-4
    (problem,) = problems("{chain: [squad, mnli]}", "overrides: {squad-then-mnli: {lr: 1.0e-4}}\n")
    assert "name a stage: squad, mnli" in problem
