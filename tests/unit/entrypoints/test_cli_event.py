"""`demand event check`: one's own document, and what we would make of it."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from demand_core.errors import Permanent
from entrypoints.cli.event import event

ANSWERS: Final = Path(__file__).parents[2] / "data" / "discovery"
CLUB: Final = str(ANSWERS / "club_night.json")


def check(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(event, ["check", *arguments], input=stdin)


def checked(*arguments: str) -> dict[str, Any]:
    done = check(*arguments, "--json")
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_answer_is_one_document_with_event_sales_and_reasons() -> None:
    document = checked(CLUB)
    assert document["schemaVersion"] == 1
    assert document["event"]["eventDate"]["start"]["dateTime"] == "2027-08-22T02:30:00.000Z"
    assert (document["event"]["isSuppressed"], document["event"]["suppression"]) == (False, [])
    silent = {sale["name"]: sale["suppression"] for sale in document["sales"]}
    assert silent.pop("Verified Fan® Registration") == ["registration_sale"]
    assert not any(silent.values())
    assert document["sales"][0]["id"] == "vvG1IZ9YbnT3qA.public"
    assert document["oddities"] == [{"code": "unfamiliar_presale", "place": "$.sales.presales"}]


def test_what_comes_in_is_answered_as_a_file_is() -> None:
    done = check("-", "--json", stdin=Path(CLUB).read_bytes())
    assert json.loads(done.stdout) == checked(CLUB)


def test_a_start_that_nobody_announced_is_said_to_be_unknown() -> None:
    public, *presales = checked(str(ANSWERS / "quebec_play.json"))["sales"]
    assert (public["startKnown"], "startAt" in public) == (False, False)
    assert all(sale["startKnown"] for sale in presales)


def test_all_reasons_are_given_with_what_they_are_about() -> None:
    document = checked(str(ANSWERS / "cancelled_match.json"), "--suppress-artist", "K8vZ9171S")
    because = {
        "artist": "K8vZ9171S",
        "country": "MX",
        "segment": "Sports",
        "status": "canceled",
        "test": "marked as a test",
    }
    assert document["event"]["because"] == document["sales"][0]["because"] == because
    assert document["event"]["suppression"] == list(because)


def test_the_policy_is_ones_own_to_try() -> None:
    match = str(ANSWERS / "cancelled_match.json")
    wider = checked(match, "--country", "mx", "--segment", "KZFzniwnSyZfZ7v7nE")
    assert wider["event"]["suppression"] == ["status", "test"]
    narrower = checked(CLUB, "--suppress-sales", "card", "--keyword", "radio")
    silent = {sale["name"]: sale["suppression"] for sale in narrower["sales"]}
    assert silent["Citi® Cardmember Presale"] == ["sale_kind"]
    assert silent["Radio 98.1"] == ["registration_sale"]


def test_for_people_each_reason_stands_below_what_it_silences() -> None:
    said = check(CLUB).stdout.splitlines()
    line = next(n for n, text in enumerate(said) if "REGISTRATION" in text)
    assert said[line + 1] == "  silent: registration_sale, 'registration'"
    assert said[-1] == "passed over: unfamiliar_presale at $.sales.presales"


def test_what_a_document_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    document = json.loads(Path(CLUB).read_bytes()) | {"name": "\x1b[2J\u202eShow"}
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert not {"\x1b", "\u202e"} & set(check(str(file)).stdout)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "bad_json: not one JSON document in UTF-8"),
        (b'{"id": "E1"}', "missing_field: $.url"),
        (
            b'{"errors": [{"code": "DIS1004"}]}',
            "no_event: $.errors[0].code: the answer is an error, DIS1004",
        ),
    ],
)
def test_a_document_that_is_no_event_is_refused_in_one_sentence(
    content: bytes, said: str
) -> None:
    error = check("-", stdin=content).exception
    assert isinstance(error, Permanent)
    assert str(error) == said


def test_another_event_than_asked_for_is_refused() -> None:
    assert isinstance(check(CLUB, "--id", "E1").exception, Permanent)
    assert check(CLUB, "--id", "vvG1IZ9YbnT3qA").exit_code == 0


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert check(str(tmp_path / "none.json")).exit_code == 2
