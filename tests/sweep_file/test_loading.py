"""Sweep files: what is read, and that every mistake is told at once, with its line and the nearest
valid name.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from xstilts.errors import SweepError
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs import FORMATS
from xstilts.spec.hyperparameters import Choice, LogRange
from xstilts.spec.sweep import Mixture, Model, Sweep
from xstilts.sweep_file import MIRROR_VARIABLE, load, loads, schema
from xstilts.sweep_file.any_options import AnyOptions
from xstilts.tasks import TASKS

GOOD = """\
name: good
models: [local/mini-xlmr]
intermediates: [none, squad]
targets: [xquad, tatoeba]
target:
  lr: 2e-5
  steps: 100
"""


@pytest.fixture(autouse=True)
def _no_mirror_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)


def problems(text: str, **given: Any) -> list[tuple[int | None, str]]:
    """`(line, message)` of all that is wrong with a sweep."""
    with pytest.raises(SweepError) as caught:
        loads(textwrap.dedent(text), file="s.yaml", **given)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def only(text: str, **given: Any) -> tuple[int | None, str]:
    """The one thing that is wrong."""
    (problem,) = problems(text, **given)
    return problem


# -- what is read


def test_loads_good_file_resolves_every_task_it_uses() -> None:
    sweep = loads(GOOD)
    assert [task.name for task in sweep.tasks] == ["squad", "xquad", "tatoeba"]
    assert sweep.task("xquad").train_task == "squad"
    assert sweep.models == (Model(id="local/mini-xlmr"),)
    assert sweep.target.given() == {"lr": 2e-5, "steps": 100}


def test_loads_train_task_is_resolved_where_nothing_else_names_it() -> None:
    sweep = loads("name: x\nmodels: [a]\nintermediates: [none]\ntargets: [xquad]\n")
    assert {task.name for task in sweep.tasks} == {"squad", "xquad"}


def test_loads_numbers_take_their_declared_type() -> None:
    sweep = loads(
        GOOD + "intermediate: {lr: 1, steps: {choice: [1e2, 200]}, weight_decay: {log: [1, 2]}}\n"
    )
    assert sweep.intermediate.lr == 1.0
    assert type(sweep.intermediate.lr) is float
    assert sweep.intermediate.steps == Choice(choice=(100, 200))
    assert all(type(value) is int for value in sweep.intermediate.steps.choice)
    assert sweep.intermediate.weight_decay == LogRange(log=(1.0, 2.0))


def test_loads_mixture_has_a_label_and_its_members_are_resolved() -> None:
    sweep = loads(
        "name: x\nmodels: [a]\ntargets: [tatoeba]\n"
        "intermediates: [none, {mixture: [squad, hellaswag], rates: [1, 2]}]\n"
    )
    mixture = sweep.intermediates[1]
    assert isinstance(mixture, Mixture)
    assert mixture.label == "squad+hellaswag"
    assert mixture.rates == (1.0, 2.0)
    assert {task.name for task in sweep.tasks} == {"squad", "hellaswag", "tatoeba"}


def test_loads_builtin_task_is_changed_in_part() -> None:
    before = loads(GOOD).task("xquad")
    after = loads(GOOD + "tasks: {xquad: {languages: [de], limits: {test: 10}}}\n").task("xquad")
    assert after.languages == ("de",)
    assert after.limits.test == 10
    assert after.splits == before.splits
    assert after.source == before.source


def test_loads_source_of_another_origin_replaces_the_old_one() -> None:
    task = loads(GOOD + "tasks: {squad: {source: {files: ['mine/{split}.jsonl']}}}\n").task("squad")
    assert task.source.files == ("mine/{split}.jsonl",)
    assert task.source.hub is None
    assert task.source.config is None


def test_loads_source_of_the_same_origin_is_changed_in_part() -> None:
    task = loads(GOOD + "tasks: {squad: {source: {revision: abc}}}\n").task("squad")
    assert (task.source.hub, task.source.revision) == ("rajpurkar/squad", "abc")


def test_loads_task_of_the_users_own() -> None:
    sweep = loads(
        textwrap.dedent("""\
        name: own
        models: [a]
        intermediates: [none]
        targets: [mood]
        tasks:
          mood:
            format: classification
            source: {files: ["mood.{language}.{split}.jsonl"]}
            languages: [en, de]
            splits: {train: train, dev: "train[80%:]", test: test}
            labels: ["good", "bad"]
            metric: accuracy
        """)
    )
    assert sweep.task("mood").labels == ("good", "bad")


@pytest.mark.parametrize("name", ["store", "tracking", "mirror"])
def test_loads_argument_goes_before_the_file(name: str, tmp_path: Path) -> None:
    sweep = loads(GOOD + f"{name}: from-file\n", **{name: str(tmp_path)})
    assert getattr(sweep, name) == str(tmp_path)


def test_loads_mirror_environment_goes_between_argument_and_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "/from/environment")
    assert loads(GOOD + "mirror: /from/file\n").mirror == "/from/environment"
    assert loads(GOOD, mirror="/from/argument").mirror == "/from/argument"


def test_loads_override_is_a_dotted_key() -> None:
    sweep = loads(GOOD, overrides={"target.steps": 5, "resources.slots": 2})
    assert (sweep.target.steps, sweep.target.lr, sweep.resources.slots) == (5, 2e-5, 2)


def test_load_is_equal_to_what_its_json_says(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(GOOD, encoding="utf-8")
    sweep = load(file)
    assert Sweep.model_validate_json(sweep.model_dump_json()) == sweep


# -- what is wrong


def test_load_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match=r"nowhere\.yaml: there is no such sweep file"):
        load(tmp_path / "nowhere.yaml")


def test_load_folder_is_told_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="is a folder; must be a sweep file"):
        load(tmp_path)


def test_load_not_utf8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(b"name: \xff\n")
    with pytest.raises(SweepError, match="not UTF-8"):
        load(file)


@pytest.mark.parametrize("text", ["", "# nothing\n", "[1, 2]\n", "just text\n"])
def test_loads_no_mapping_says_what_a_sweep_is(text: str) -> None:
    assert "must be a mapping with name, version" in only(text)[1]


@pytest.mark.parametrize(
    ("extra", "line", "words"),
    [
        ("modls: []\n", 8, 'no key "modls"; nearest: models'),
        ("intermediate: {lrr: 1}\n", 8, 'intermediate has no key "lrr"; nearest: lr'),
        ("name: again\n", 8, '"name" stands twice (first in line 1)'),
        (
            'intermediate: {lr: "2e-5x"}\n',
            8,
            'intermediate.lr is "2e-5x"; must be a number above 0',
        ),
        ('intermediate: {lr: "2e-5"}\n', 8, 'intermediate.lr is "2e-5"; must be a number above 0'),
        ("intermediate:\n  lr: 2e-5x\n", 9, 'intermediate.lr is "2e-5x"'),
        ("intermediate: {lr: .inf}\n", 8, 'intermediate.lr is ".inf"'),
        ("intermediate: {lr: 1e999}\n", 8, "intermediate.lr is Infinity"),
        ("intermediate: {lr: true}\n", 8, "intermediate.lr is true; must be a number"),
        (
            "intermediate: {steps: 2.5}\n",
            8,
            "intermediate.steps is 2.5; must be a whole number, 1 or more",
        ),
        (
            "intermediate: {steps: {choice: [10, ten]}}\n",
            8,
            'steps.choice[1] is "ten"; must be a whole number',
        ),
        (
            "intermediate: {steps: {log: [0.5, 9]}}\n",
            8,
            "steps.log[0] is 0.5; must be a whole number",
        ),
        ("intermediate: {steps: {choice: [10, 1e1]}}\n", 8, "has the same value twice"),
        ("intermediate: {lr: {log: [5, 2]}}\n", 8, "log needs two numbers, 0 < low < high"),
        ("intermediate: {schedule: cosin}\n", 8, "must be one of linear, cosine, constant, wsd"),
        ("seeds: []\n", 8, "seeds is empty; must be a list of 1 or more, each a whole number"),
        ("seeds: [1, 2, 1]\n", 8, 'seeds[2] is "1" again'),
        ("version: 0\n", 8, "version is 0; must be a whole number, 1 or more"),
        ("budget:\n", 8, "budget is empty; must be a mapping"),
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
        ("tasks: {xquad: {languages: []}}\n", 8, "tasks.xquad.languages is empty"),
        ("tasks: {xquad: {languages: [de, de]}}\n", 8, "tasks.xquad.languages has de twice"),
        ("tasks: {xquad: {metric: accuracy}}\n", 8, "span_qa has exact_match, f1, qa_mean"),
        (
            "tasks: {xquad: {train_task: sqad}}\n",
            4,
            'its train_task is "sqad", which is no task; nearest: squad',
        ),
        ("tasks: {xquad: {train_task: hellaswag}}\n", 4, "must have the same format and labels"),
        (
            "tasks: {xquad: {splits: {test: 'a[:b%]'}}}\n",
            8,
            "tasks.xquad.splits.test: split `a[:b%]`",
        ),
        ("tasks: {xquad: {splits: {test: null}}}\n", 4, "it has no test split"),
        (
            "tasks: {squad: {splits: {dev: null}}}\n",
            3,
            "squad cannot be trained on without splits.dev",
        ),
        ("tasks: {xquad: {name: other}}\n", 8, "its key is its name"),
        (
            "tasks: {squd: {languages: [de]}}\n",
            8,
            '"squd" is no built-in task; must bring format, source and metric',
        ),
        ("tasks: {none: {}}\n", 8, "the name of the baseline"),
        (
            "tasks: {xquad: {source: {files: [a], hub: b}}}\n",
            8,
            "exactly one of hub, files, generator",
        ),
        (f"tasks: {{{'a' * 65}: {{}}}}\n", 8, "must be a name of at most 64 letters"),
        (
            "tasks: {xquad: {columns: {contxt: text}}}\n",
            8,
            'has "contxt", which is no role of span_qa; nearest: context',
        ),
        ("tasks: [xquad]\n", 8, "tasks must be a mapping"),
        ("description: 3\n", 8, 'description is 3; must be text; write "3" in quotes'),
    ],
)
def test_loads_one_mistake_is_told_with_its_line(extra: str, line: int, words: str) -> None:
    found = problems(GOOD + extra)
    assert any(at == line and words in message for at, message in found), found


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("models: []", "models is empty"),
        ("models: [{idd: a}]", "models[0] is"),
        ("models: [{id: a, revison: b}]", 'models[0] has no key "revison"; nearest: revision'),
        ("models: [a, b/a]", 'models[1] is "a" again'),
        ("models: ['a/b c']", "is no good name in tables"),
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
        ("targets: [none]", "the baseline is an intermediate of its own"),
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


def test_loads_long_mixture_of_short_names_asks_for_a_name() -> None:
    tasks = "".join(
        f"  {'t' * 30}{i}: {{format: masked_lm, source: {{files: [a]}}, metric: masked_accuracy, "
        "splits: {train: a, dev: b}}\n"
        for i in range(3)
    )
    members = ", ".join(f"{'t' * 30}{i}" for i in range(3))
    head = (
        f"name: x\nmodels: [a]\nintermediates: [none, {{mixture: [{members}]}}]\ntargets: "
        "[tatoeba]\n"
    )
    assert "its name would be 95 characters long" in only(f"{head}tasks:\n{tasks}")[1]


def test_loads_many_mistakes_are_all_told_in_the_order_of_lines() -> None:
    found = problems(
        """\
        name: many
        modls: [a]
        intermediates: [none, squadd]
        targets: [xquad, tatoeba]
        target: {lr: "2e-5x", steps: 0}
        target: {}
        tasks:
          xquad: {languages: [], metric: accuracy}
        search: {trials: lots}
        """
    )
    lines = [line for line, _ in found]
    assert lines == sorted(line for line in lines if line is not None)
    assert [line for line in lines if line != 1] == [2, 3, 5, 5, 6, 8, 8, 9]
    assert "models is missing" in found[0][1]


def test_loads_train_task_in_overrides_names_the_targets_to_override() -> None:
    text = (
        "name: x\nmodels: [a]\nintermediates: [none]\ntargets: [xquad]\noverrides: {squad: "
        "{lr: 1}}\n"
    )
    assert only(text)[1].endswith("to set how a target is trained, name it: xquad")


def test_loads_bad_argument_is_not_blamed_on_a_line() -> None:
    with pytest.raises(SweepError, match=r"^argument: target\.lr is -1; must be a number above 0"):
        loads(GOOD, overrides={"target.lr": -1})


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("m: {like: [mnli]}", 'm.like is ["mnli"]; must be the name of a task'),
        ("m: {like: }", "m.like is empty; must be the name of a task"),
        ("m: {like: m}", "m.like is the task itself"),
        ("mnli: {like: mnli}", "mnli.like is the task itself; leave `like` out"),
        ("m: {like: mnlii}", '"mnlii", which is no built-in task and none above it; nearest: mnli'),
        ("m: {like: k}\n  k: {like: mnli}", "it stands below, move it up"),
        (
            "m: {like: mnli, parts: [{name: mnli}]}",
            'm.parts is {"name": "mnli"}; must be the name of a task',
        ),
        ("m: {like: anli_plus, parts: [mnli, mnli]}", "m.parts has mnli twice"),
        (
            "m: {like: anli_plus, parts: [mnli, qqp]}",
            '"qqp" has the labels ["not_duplicate", "duplicate"]; must have',
        ),
        (
            "m: {like: anli_plus, parts: [anli_plus]}",
            '"anli_plus" is a union itself; name its parts',
        ),
        (
            "m: {like: anli_plus, parts: [copa]}",
            '"copa" is multiple_choice; must be classification',
        ),
        ("m: {like: anli_plus, splits: {train: 'train[:9]'}}", "m.splits is not read of a union"),
        (
            "m: {like: anli_plus, source: {row_filter: {a: b}}}",
            "m.source.row_filter is not read of a union",
        ),
        ("m: {like: mnli, row_filter: {a: b}}", 'no key "row_filter"; it stands under source'),
        (
            "m: {like: mnli, source: {row_filter: [a]}}",
            'row_filter is ["a"]; must be a mapping, each value text',
        ),
        (
            "m: {like: mnli, transform: {translte: {}}}",
            'transform has no key "translte"; nearest: translate',
        ),
        (
            "m: {like: mnli, transform: {translate: {languages: [de]}}}",
            "transform.translate.model is missing; must be",
        ),
        (
            "m: {like: mnli, transform: {share: 0.5}}",
            "exactly one of translate, lookup, dictionary, pseudo",
        ),
        (
            "m: {like: mnli, transform: {dictionary: {files: [a], languages: [de, de]}}}",
            "languages has de twice",
        ),
        ("xquad: {transform: {pseudo: {}}}", "xquad has no training rows, it is trained on squad"),
        (
            "tatoeba: {options: {sweep_layers: 7}}",
            "sweep_layers is 7; must be all, or a list, each a whole number",
        ),
        ("tatoeba: {options: {sweep_layers: [3, 3]}}", "sweep_layers has 3 twice"),
        ("tatoeba: {options: {sweep_layers: [-5]}}", "sweep_layers has -5; each must be -1"),
        (
            "squad: {options: {sweep_layers: all}}",
            "sweep_layers is no option of span_qa; it reads max_answer_tokens",
        ),
        (
            "mine: {like: bucc, format: retrieval, metric: accuracy, options: {n_best: 3}}",
            "mine.options.n_best is no option of retrieval; it reads layer, pooling",
        ),
        (
            "mine: {like: squad_v2, format: classification, labels: [a, b], metric: accuracy}",
            "mine.options.no_answer is no option of classification; it reads positive_label",
        ),
        (
            "mnli: {options: {no_answer: true}}",
            "no_answer is no option of classification; it reads positive_label",
        ),
        (
            "mlm: {language_exponent: 2}",
            "language_exponent is 2; must be a number above 0 and at most 1",
        ),
        ("mlm: {train_language: []}", "train_language is empty; must be a language"),
        ("mnli: {limits: {train: 0}}", "limits.train is 0; must be a whole number, 1 or more"),
        ("m: mnli", 'm is "mnli"; must be a mapping with format, source, columns'),
    ],
)
def test_loads_mistake_in_a_task_is_said_once_and_clearly(entry: str, words: str) -> None:
    (found,) = problems(f"{GOOD}tasks:\n  {entry}\n")
    assert words in found[1]
    assert found[0] in (9, 10)


def test_loads_rates_that_only_rounding_keeps_from_one_are_whole() -> None:
    # 0.6 + 0.3 + 0.1 is 0.9999999999999999 in floating point
    rates = "{fixed: {squad: 0.6, mnli: 0.3, qqp: 0.1}}"
    loads(GOOD.replace("[none, squad]", f"[none, {{mixture: [squad, mnli, qqp], rates: {rates}}}]"))


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ("{fixed: {mnli: 20}}", "20 together; must be below 1, for squad share what is left"),
        ("{fixed: {mnli: 1}}", "1 together; must be below 1, for squad share what is left"),
        ("{fixed: {mnli: 0.5, squad: 0.4}}", "0.9 together; must be 1 where every member is named"),
        ("{fixed: {mnli: 0}}", "each must be a share above 0"),
        ("{fixed: {mlm: 0.2}}", 'has "mlm", which is not in the mixture'),
        ("{temperature: 0.5}", "temperature is 0.5; must be a number, 1 or more"),
        ("{squad: 0.2}", 'no key "squad"; there are: cap, fixed, temperature'),
    ],
)
def test_loads_rates_that_do_not_fit_are_said_once(rates: str, words: str) -> None:
    _, message = only(
        GOOD.replace("[none, squad]", f"[none, {{mixture: [squad, mnli], rates: {rates}}}]")
    )
    assert words in message


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (
            "intermediate: {lr: {log: [1e-5, 1e-4], choice: [1]}}\n",
            "lr has log and choice together; must be a number",
        ),
        ("resources: {gpus: 1}\n", "nearest: gpus_per_worker, gpu"),
        (
            "resources: {gpu: K80}\n",
            'gpu is "K80"; must be a GPU that the estimate knows; there are: A100-40GB',
        ),
        ("resources: {slots: 0}\n", "slots is 0; must be a whole number, 1 or more"),
        ("lr: 1\n", 'no key "lr"; it stands under intermediate or target'),
    ],
)
def test_loads_mistake_elsewhere_is_said_once_and_clearly(extra: str, words: str) -> None:
    assert words in only(GOOD + extra)[1]


@pytest.mark.parametrize("gpu", ["A100-80GB", "a100", "NVIDIA L40S"])
def test_loads_gpu_is_known_however_the_estimate_knows_it(gpu: str) -> None:
    assert loads(GOOD + f"resources: {{gpu: {gpu}}}\n").resources.gpu == gpu


# -- tables and schema


def test_format_metrics_are_known() -> None:
    for name, spec in FORMATS.items():
        assert set(spec.metrics) <= set(METRICS), name


def test_options_that_a_file_may_have_are_those_of_all_formats() -> None:
    every = {name for spec in FORMATS.values() for name in spec.options.model_fields}
    assert every == set(AnyOptions.model_fields)
    for task in TASKS.values():
        assert type(task.options) is task.spec.options, task.name


def test_schema_documents_every_option_with_the_formats_that_read_it() -> None:
    options = schema()["$defs"]["FormatOptions"]["properties"]
    assert set(options) == set(AnyOptions.model_fields)
    assert options["neighbours"]["description"].startswith("retrieval, mining: k of the margin")
    assert options["n_best"]["minimum"] == 1 and options["n_best"]["default"] == 20


def test_schema_describes_tasks_as_a_file_writes_them() -> None:
    described = schema()
    json.dumps(described)
    assert described["properties"]["tasks"]["type"] == "object"
    assert "name" not in described["$defs"]["Task"]["properties"]
    assert "required" not in described["$defs"]["Task"]
    assert set(described["required"]) == {"name", "models", "intermediates", "targets"}
    assert described["additionalProperties"] is False
    assert "lr" in described["$defs"]["Settings"]["properties"]


def test_schema_accepts_the_good_file_and_refuses_an_unknown_key() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    data = {
        "name": "x",
        "models": ["a"],
        "intermediates": ["none"],
        "targets": ["xquad"],
        "tasks": {"xquad": {}},
    }
    jsonschema.validate(data, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "modls": []}, schema())
