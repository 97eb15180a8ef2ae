"""What has to go together in a sweep: names, roles, overrides, and chains of intermediates."""

from __future__ import annotations

import pytest

from tests.support.sweep_texts import GOOD, only, problems
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


def messages(intermediates: str, more: str = "") -> list[str]:
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
        ("{chain: [none, squad]}", 'intermediates[1].chain[0] is "none"; the baseline can only be'),
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
    assert any(message in problem for problem in messages(intermediates))


def test_chain_given_twice_is_told_as_a_duplicate() -> None:
    (problem,) = messages("{chain: [squad, mnli]}, {chain: [squad, mnli]}")
    assert 'intermediates[2] is "squad-then-mnli" again' in problem


def test_overrides_name_the_stages_of_a_chain_and_not_the_chain() -> None:
    more = "overrides: {mnli: {lr: 1.0e-4}}\n"
    assert loaded("{chain: [squad, mnli]}", more).settings("intermediate", "mnli").lr == 1e-4
    (problem,) = messages("{chain: [squad, mnli]}", "overrides: {squad-then-mnli: {lr: 1.0e-4}}\n")
    assert "name a stage: squad, mnli" in problem


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("models: []", "models is empty"),
        ("models: [{idd: a}]", "models[0] is"),
        ("models: [{id: a, revison: b}]", 'models[0] has no key "revison"; nearest: revision'),
        ("models: [a, b/a]", 'models[1] is "a" again'),
        ("models: ['a/b c']", "is not a valid name for tables"),
        ("models: [{id: ' ', name: x}]", "models[0]: the id is empty; must be an id of the hub"),
        (
            "models: [{name: b, task: squad, config: {model_type: bert}, tokenizer: generator}]",
            "needs a masked_lm task",
        ),
        (
            "models: [{name: b, task: mlm, config: {}, tokenizer: generator}]",
            "config.model_type is missing",
        ),
        (
            (
                "models: [{name: b, task: mlm, config: {model_type: bert}, tokenizer: t, "
                "settings: {lr: {choice: [1]}}}]"
            ),
            "a pretraining has fixed settings",
        ),
        ("intermediates: [none, squadd]", '"squadd", which is no task; nearest: squad'),
        ("intermediates: [none, none]", 'intermediates[1] is "none" again'),
        ("intermediates: [none, tatoeba]", "retrieval is not trained"),
        (
            "intermediates: [none, xquad]",
            "xquad cannot be trained on without splits.train and splits.dev",
        ),
        ("intermediates: [none, {mixture: [squad]}]", "has 1 item; must be a list of 2 or more"),
        ("intermediates: [none, {mixture: [squad, squad]}]", 'mixture[1] is "squad" again'),
        ("intermediates: [none, {mixture: [squad, nope]}]", '"nope", which is no task'),
        (
            "intermediates: [none, {mixture: [squad, copa], rates: [1]}]",
            "rates has 1 number; must have 2",
        ),
        (
            "intermediates: [none, {mixture: [squad, copa], rates: [1, 0]}]",
            "each must be a number above 0",
        ),
        (
            "intermediates: [none, {mixture: [squad, copa], rates: equal}]",
            "must be one of proportional, uniform",
        ),
        (
            "intermediates: [none, {mixture: [squad, copa], name: xnli}]",
            '"xnli" is the name of a task',
        ),
        (
            f"intermediates: [none, {{mixture: [squad, copa], name: {'a' * 65}}}]",
            "must be a name of at most 64",
        ),
        ("targets: []", "targets is empty"),
        ("targets: [xquad, xquad]", 'targets[1] is "xquad" again (first: targets[0])'),
        ("targets: [none]", "the baseline can only be an intermediate"),
        ("targets: [3]", "targets[0] is 3; must be text"),
        ("name: a b", "must be a name of at most 64 letters, digits"),
        (f"name: {'a' * 65}", "must be a name of at most 64"),
    ],
)
def test_loads_mistake_in_what_is_compared_is_told(head: str, words: str) -> None:
    key = head.split(":")[0]
    lines = [head if line.startswith(f"{key}:") else line for line in GOOD.splitlines()]
    found = problems("\n".join(lines))
    assert any(words in message for _, message in found), found


def test_loads_train_task_in_overrides_names_the_targets_to_override() -> None:
    text = (
        "name: x\nmodels: [a]\nintermediates: [none]\ntargets: [xquad]\noverrides: {squad: "
        "{lr: 1}}\n"
    )
    assert only(text)[1].endswith("to set how a target is trained, name it: xquad")


@pytest.mark.parametrize("gpu", ["A100-80GB", "a100", "NVIDIA L40S"])
def test_loads_gpu_is_known_however_the_estimate_knows_it(gpu: str) -> None:
    assert sweep_file.loads(GOOD + f"resources: {{gpu: {gpu}}}\n").resources.gpu == gpu


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("seeds: [1, 2, 1]\n", 8, 'seeds[2] is "1" again'),
        (
            "search: {sampler: grid}\nintermediate: {lr: {log: [1e-5, 1e-4]}}\n",
            9,
            "intermediate.lr is a range; a grid",
        ),
        (
            "search: {sampler: grid}\noverrides: {xquad: {steps: {int: [1, 5]}}}\n",
            9,
            "overrides.xquad.steps is a range",
        ),
        (
            "overrides: {xqad: {lr: 1}}\n",
            8,
            'overrides has "xqad", which is no intermediate or target',
        ),
        ("overrides: {hellaswag: {lr: 1}}\n", 8, 'overrides has "hellaswag"'),
        ("overrides: {none: {lr: 1}}\n", 8, 'overrides has "none"'),
        (
            "tasks: {xquad: {train_task: sqad}}\n",
            4,
            'its train_task is "sqad", which is no task; nearest: squad',
        ),
        ("tasks: {xquad: {train_task: hellaswag}}\n", 4, "must have the same format and labels"),
        ("tasks: {xquad: {splits: {test: null}}}\n", 4, "it has no test split"),
        (
            "tasks: {squad: {splits: {dev: null}}}\n",
            3,
            "squad cannot be trained on without splits.dev",
        ),
    ],
)
def test_parts_that_do_not_go_together_are_told_with_their_line(
    extra: str, line: int, words: str
) -> None:
    found = problems(GOOD + extra)
    assert any(at == line and words in message for at, message in found), found


TWO_MIXTURES = {
    "an intermediate and a stage": "{mixture: [squad, hellaswag], rates: uniform}, "
    "{chain: [{mixture: [squad, hellaswag], rates: [9, 1]}, cola]}",
    "two stages": "{chain: [{mixture: [squad, hellaswag], name: mix}, cola], name: one}, "
    "{chain: [{mixture: [qqp, sst2], name: mix}, cola], name: two}",
}


@pytest.mark.parametrize("where", TWO_MIXTURES)
def test_two_mixtures_of_one_name_are_refused_wherever_they_stand(where: str) -> None:
    (problem,) = messages(TWO_MIXTURES[where])
    assert "is the name of another mixture" in problem and "another `name`" in problem


def test_one_mixture_may_be_an_intermediate_and_a_stage() -> None:
    mixture = "{mixture: [squad, hellaswag], rates: uniform}"
    sweep = loaded(f"{mixture}, {{chain: [{mixture}, cola]}}")
    assert [one.label for one in sweep.mixtures] == ["squad+hellaswag"]


def test_mixture_in_a_chain_that_has_a_task_twice_is_told() -> None:
    (problem,) = messages("{chain: [{mixture: [squad, squad]}, cola]}")
    assert 'intermediates[1].chain[0].mixture[1] is "squad" again' in problem


@pytest.mark.parametrize("given", [{}, {"tracking": "http://ann:topsecret@mlflow.lab:5000"}])
def test_tracking_address_with_a_password_is_refused_and_not_repeated(
    given: dict[str, str],
) -> None:
    inside = "tracking: http://ann:topsecret@mlflow.lab:5000\n"
    line, message = only(GOOD + ("" if given else inside), **given)
    assert line == (None if given else 8)
    assert "write http://mlflow.lab:5000, and put the password into MLFLOW_TRACKING" in message
    assert "topsecret" not in message


@pytest.mark.parametrize("key", ["store", "mirror"])
@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("s3://key:secret@bucket/a", "holds credentials"),
        ("az://box/a?sig=secret", "may be a token"),
        ("ftp://host/a", "is no object store"),
        ("s3://", "names no bucket"),
    ],
)
def test_address_that_cannot_be_used_is_told_with_its_line_and_without_its_secret(
    key: str, place: str, why: str
) -> None:
    with pytest.raises(SweepError) as error:
        loaded("squad", f'{key}: "{place}"\n')
    (problem,) = error.value.problems
    assert problem.line == 5 and why in problem.message and "secret" not in problem.message


def test_addresses_of_store_and_mirror_stay_as_they_are() -> None:
    sweep = loaded("squad", "store: s3://bucket/a\nmirror: gs://bucket/m\n")
    assert (sweep.store, sweep.mirror) == ("s3://bucket/a", "gs://bucket/m")
