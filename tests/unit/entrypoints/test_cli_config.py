"""`demand config` says what holds, who said so, and all that is wrong."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from entrypoints.cli import main
from entrypoints.setting_places import PREFIX, variable
from entrypoints.settings import FIELDS

COMPLETE = {
    "DEMAND_PROFILE": "aws",
    "DEMAND_BUCKET": "demand-test",
    "DEMAND_AWS_REGION": "us-east-1",
    "DEMAND_SHORTENER_URL": "http://127.0.0.1:1",
    "DEMAND_EVENT_SOURCE_URL": "http://127.0.0.1:1",
    "DEMAND_SMS_URL": "http://127.0.0.1:1",
    "DEMAND_CONTACT_KEY_VARIABLE": "CONTACTS",
    "CONTACTS": "k1:0123456789abcdef",
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder and an environment in which nothing is set."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def demand(*words: str, environment: Mapping[str, str] | None = None) -> Result:
    blank = dict.fromkeys([variable(name) for name in FIELDS] + [f"{PREFIX}CONFIG"])
    return CliRunner().invoke(main, words, env={**blank, **(environment or {})})


def document(*words: str, environment: Mapping[str, str] | None = None) -> Any:
    return json.loads(demand(*words, "--json", environment=environment).stdout)


def test_every_setting_is_shown_with_where_it_was_said(alone: Path) -> None:
    (alone / "demand.toml").write_text('table = "from-file"\nlink_calls_max = 4\n')
    shown = document(
        "--profile", "aws", "config", "show", environment={"DEMAND_LINK_CALLS_MAX": "5"}
    )
    assert list(shown) == list(FIELDS)
    assert shown["profile"] == {"value": "aws", "origin": "flags"}
    assert shown["table"] == {"value": "from-file", "origin": "demand.toml"}
    assert shown["link_calls_max"] == {"value": "5", "origin": "environment"}
    assert shown["state"] == {"value": "state", "origin": "default"}
    lines = demand("config", "show").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(FIELDS)


def test_a_complete_configuration_passes() -> None:
    told = demand("config", "check", environment=COMPLETE)
    assert (told.exit_code, told.stderr) == (0, "")
    assert document("config", "check", environment=COMPLETE) == {"ok": True, "problems": []}


def test_all_that_is_missing_is_named_at_once() -> None:
    told = demand("--profile", "aws", "config", "check")
    assert (told.exit_code, told.stdout) == (5, "")
    assert [line.split()[0] for line in told.stderr.splitlines()] == [
        "DEMAND_BUCKET",
        "DEMAND_AWS_REGION",
        "DEMAND_SMS_URL",
        "DEMAND_CONTACT_KEY_VARIABLE",
        "DEMAND_SHORTENER_KEY_VARIABLE",
        "DEMAND_EVENT_SOURCE_KEY_VARIABLE",
    ]


def test_all_that_is_wrong_is_named_at_once(alone: Path) -> None:
    (alone / "other.toml").write_text("tabel = 1")
    wrong = {"DEMAND_SHORTENER_PER_S": "0", "DEMAND_BUKET": "x"}
    told = document("--config", "other.toml", "config", "check", environment=wrong)
    assert not told["ok"]
    assert [line.split()[0] for line in told["problems"]] == [
        "tabel",
        "DEMAND_BUKET",
        "DEMAND_SHORTENER_PER_S",
    ]


@pytest.mark.parametrize("key", ["link_calls_max", "DEMAND_LINK_CALLS_MAX", "--link-calls-max"])
def test_a_setting_is_explained_with_whom_it_overrode(alone: Path, key: str) -> None:
    (alone / "demand.toml").write_text("link_calls_max = 4")
    environment = {"DEMAND_LINK_CALLS_MAX": "5"}
    words = ["config", "explain", *(["--"] if key[0] == "-" else []), key]
    told = demand(*words, environment=environment).stdout
    assert "is       5, said by: environment" in told
    assert "over     4, said by: demand.toml" in told
    assert "over     3, said by: default" in told


def test_an_explanation_is_a_document_too() -> None:
    told = document("config", "explain", "bucket")
    assert told["variable"] == "DEMAND_BUCKET"
    assert (told["value"], told["origin"], told["over"]) == ("", "default", [])


def test_a_key_that_is_none_is_wrong_usage() -> None:
    told = demand("config", "explain", "bukcet")
    assert told.exit_code == 2
    assert "no setting" in told.stderr


def test_no_secret_is_shown() -> None:
    environment = {**COMPLETE, "DEMAND_SHORTENER_KEY_VARIABLE": "LINKS", "LINKS": "hunter2"}
    for words in (["show"], ["check"], ["explain", "shortener_key_variable"]):
        told = demand("config", *words, environment=environment)
        assert told.exit_code == 0
        assert "hunter2" not in told.output


def test_a_file_that_is_not_there_is_wrong_usage() -> None:
    assert demand("--config", "none.toml", "config", "show").exit_code == 2
