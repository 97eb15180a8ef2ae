"""`xstilts cluster` on the command line: what is printed, and that secrets are not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from xstilts.cli.main import app

ROOT = Path(__file__).resolve().parents[2]


def cli(*words: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, ["cluster", *(str(word) for word in words)], env=env)


def test_check_of_the_shipped_file_tells_what_is_left_and_exits_with_2(tmp_path: Path) -> None:
    sweep = Path(ROOT / "sweeps" / "phang2020.yaml")
    shown = cli("check", ROOT / "cluster.yaml", sweep, env={"HOME": str(tmp_path)})
    assert shown.exit_code == 2
    assert "fail  filled in: `ami-FILL-IN`" in shown.output
    assert "fail  room for a phase: a phase asks for 1 x (1 CPU, 1 GPU of A100" in shown.output
    told = cli("check", ROOT / "cluster.yaml", "--json", env={"HOME": str(tmp_path)})
    value = json.loads(told.stdout)
    assert (told.exit_code, value["ok"]) == (2, False)
    states = {finding["name"]: finding["state"] for finding in value["findings"]}
    assert (states["cluster file"], states["filled in"], states["token"]) == ("ok", "fail", "fail")


@pytest.mark.parametrize("words", [("none.yaml",), ("{root}/sweeps/demo.yaml",)])
def test_check_of_what_is_no_cluster_file_exits_with_2(words: tuple[str, ...]) -> None:
    result = cli("check", *(word.format(root=ROOT) for word in words), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["input"] is True


def test_token_is_made_and_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "auth_token"
    made = cli("token", file)
    assert made.exit_code == 0
    assert str(file) in made.output.replace("\n", "") and file.read_text() not in made.output
    again = cli("token", file, "--json")
    assert again.exit_code == 2
    assert "is there already" in json.loads(again.stdout)["error"]["message"]
    forced = cli("token", file, "--force", "--json")
    assert json.loads(forced.stdout) == {"file": str(file)}


def test_server_open_to_others_without_names_is_refused(tmp_path: Path) -> None:
    result = cli("mlflow", "start", "--folder", tmp_path / "m", "--host", "0.0.0.0", "--json")
    assert result.exit_code == 2
    assert "--allowed-hosts" in json.loads(result.stdout)["error"]["message"]
    assert not (tmp_path / "m").exists()


def test_unknown_permission_is_refused_with_those_there_are(tmp_path: Path) -> None:
    result = cli("mlflow", "start", "--folder", tmp_path / "m", "--permission", "ALL")
    assert result.exit_code == 2
    assert "must be one of READ" in result.output


def test_status_of_a_server_that_is_not_there_exits_with_1(tmp_path: Path) -> None:
    result = cli("mlflow", "status", "--folder", tmp_path / "m", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["running"], found["database"], found["pid"]) == (False, False, None)
    shown = cli("mlflow", "status", "--folder", tmp_path / "m").output
    assert "MLflow does not run" in shown and "PostgreSQL does not run" in shown


def test_password_comes_from_the_environment_or_a_terminal(tmp_path: Path) -> None:
    words = ("mlflow", "user", "add", "ann", "--folder", tmp_path / "m")
    without = cli(*words, env={"XSTILTS_MLFLOW_PASSWORD": None})  # type: ignore[dict-item]
    assert without.exit_code == 2
    assert "XSTILTS_MLFLOW_PASSWORD" in without.output
    short = cli(*words, env={"XSTILTS_MLFLOW_PASSWORD": "tooshort"})
    assert short.exit_code == 2
    assert "12 or more" in short.output and "tooshort" not in short.output
    refused = cli(*words, env={"XSTILTS_MLFLOW_PASSWORD": "long-enough-for-it"})
    assert refused.exit_code == 2
    assert "does not run; start it" in refused.output.replace("\n", " ")
    assert "long-enough-for-it" not in refused.output


@pytest.mark.parametrize("verb", ["remove", "list", "password"])
def test_user_verbs_need_a_server(tmp_path: Path, verb: str) -> None:
    name = () if verb == "list" else ("ann",)
    env = {"XSTILTS_MLFLOW_PASSWORD": "long-enough-for-it"}
    result = cli("mlflow", "user", verb, *name, "--folder", tmp_path / "m", env=env)
    assert result.exit_code == 2
    assert "does not run" in result.output


def test_group_without_a_verb_shows_its_verbs() -> None:
    shown = cli().output
    assert "token" in shown and "mlflow" in shown and "watch-spot" in shown
    assert os.environ.get("RAY_AUTH_TOKEN", "no token") not in shown
