"""`demand doctor` looks at everything, says what to do, and changes nothing."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from click.testing import CliRunner

from demand_adapters.deliveries import Delivery
from demand_adapters.local.database import FILE
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.erasure_book import an_erasure
from demand_core.errors import Permanent
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import Changes, Queue
from entrypoints.cli import main
from entrypoints.doctor import UNAVAILABLE, WANTS_A_LOOK, WELL, WRONG, Finding, examine
from entrypoints.engines.aws import AwsEngines
from entrypoints.engines.local import LocalEngines
from entrypoints.profiles import Profile
from entrypoints.settings import Settings
from tests.contract.aws.serial_moto import serial_moto
from tests.provisioned import provision

NOW: Final = timedelta(0)
SECRETS: Final = {"CONTACTS": "k1:0123456789abcdef"}
# Each with the queue of its own that a row has for each of its triggers.
QUEUES: Final = sum(
    isinstance(trigger, Queue | Changes) for row in TOPOLOGY for trigger in row.triggers
)
SERVICES: Final = ["shortener", "event_source", "sms"]


@pytest.fixture
def listening() -> Iterator[str]:
    """The address of something that can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def settings(tmp_path: Path, listening: str) -> Settings:
    return Settings(
        state=tmp_path / "state",
        shortener_url=listening,
        event_source_url=listening,
        sms_url=listening,
        contact_key_variable="CONTACTS",
    )


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(settings, SECRETS)}


def codes(settings: Settings) -> dict[str, int]:
    return {what: finding.code for what, finding in found(settings).items()}


def test_a_folder_that_is_not_there_yet_is_well_and_is_not_made(settings: Settings) -> None:
    assert set(codes(settings).values()) == {WELL}
    assert not settings.state.exists()


def test_a_folder_in_use_is_looked_at_all_the_same(settings: Settings) -> None:
    with LocalEngines.opened(settings):
        looked = found(settings)
    assert {finding.code for finding in looked.values()} == {WELL}
    assert looked["database"].says == "schema 1, sound"
    assert looked["queues"].says == "0 messages wait"
    assert looked["erasures"].says == "0 asked for, 0 under way"


def test_who_waits_too_long_to_be_forgotten_is_told(settings: Settings) -> None:
    with LocalEngines.opened(settings) as engines:
        late, now = an_erasure(), evolve(an_erasure(2), until=engines.clock.now())
        book = Profile(settings, engines).erasures
        for erasure in (late, now):
            book.open(erasure)
    finding = found(settings)["erasures"]
    assert finding.code == WANTS_A_LOOK
    assert finding.says.startswith(
        f"2 asked for, 2 under way; {late.erasure_id} is not finished"
    )
    assert now.erasure_id not in finding.says


def test_what_lies_aside_wants_a_look(settings: Settings) -> None:
    with LocalEngines.opened(settings) as engines:
        queue = engines.queue("notes", visibility=timedelta(seconds=1), max_receive=1)
        queue.put([b"dead", b"waiting"])
        queue.release([d.receipt for d in queue.receive(1)], NOW)
        for _ in range(2):
            for delivery in queue.receive(1):
                queue.release([delivery.receipt], NOW)
        aside = Delivery(record_id="1", payload=b"?")
        quarantine = Quarantine(files=engines.files)
        quarantine.put("notes", aside, Permanent("no_json"), engines.clock.now())
        for key in ("errors/one.json", "errors/replayed/two.json"):
            engines.files.put(key, [b"{}"])
    looked = found(settings)
    assert looked["queues"].code == looked["files"].code == WANTS_A_LOOK
    assert "dead letters in notes" in looked["queues"].says
    says = "answers; 1 files lie in quarantine/; 1 files lie in errors/"
    assert looked["files"].says == says


def test_a_file_that_is_no_database_is_wrong(settings: Settings) -> None:
    settings.state.mkdir()
    (settings.state / FILE).write_bytes(b"not a database at all" * 100)
    assert codes(settings)["database"] == WRONG


def test_a_folder_in_the_place_of_the_database_is_wrong(settings: Settings) -> None:
    (settings.state / FILE).mkdir(parents=True)
    assert codes(settings)["database"] == WRONG


def test_a_file_in_the_place_of_the_folder_is_wrong(settings: Settings) -> None:
    settings.state.touch()
    assert codes(settings)["state"] == WRONG


def test_a_service_that_does_not_answer_is_unavailable(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    away = evolve(settings, shortener_url=f"http://127.0.0.1:{port}")
    assert codes(away)["shortener"] == UNAVAILABLE


def test_settings_that_lack_something_are_all_that_is_said() -> None:
    looked = list(examine(Settings(profile="aws"), {}))
    assert {finding.what for finding in looked} == {"settings"}
    assert len(looked) == 6
    assert {finding.code for finding in looked} == {WRONG}


def test_memory_needs_nothing() -> None:
    assert codes(Settings(profile="memory")) == {"memory": WELL}


@pytest.fixture
def account(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An account in which nothing was made yet."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    with serial_moto() as url:
        yield evolve(
            settings,
            profile="aws",
            aws_endpoint=url,
            aws_region="us-east-1",
            table="looked-at",
            bucket="looked-at",
            channel_prefix="looked-at-",
        )


def test_an_account_without_anything_is_told_what_to_create(account: Settings) -> None:
    looked = list(examine(account, SECRETS))
    made = ["table", *["queue"] * QUEUES, "stream", "stream", "bucket", "erasures"]
    assert [finding.what for finding in looked] == [*made, *SERVICES]
    assert [finding.code for finding in looked] == [WRONG] * len(made) + [WELL] * 3


def test_an_account_as_it_was_deployed_is_well_and_a_change_is_seen(account: Settings) -> None:
    with AwsEngines.opened(account) as engines:
        provision(engines.aws, account)
        assert {finding.code for finding in examine(account, SECRETS)} == {WELL}
        queue = engines.queue_url("shortUrlQueue")
        less: dict[str, Any] = {"VisibilityTimeout": "30", "RedrivePolicy": ""}
        engines.aws.call("sqs", "set_queue_attributes", QueueUrl=queue, Attributes=less)
        engines.aws.call("dynamodb", "update_time_to_live", **_without_expiry(account.table))
    doubts = {f.says for f in examine(account, SECRETS) if f.code == WANTS_A_LOOK}
    assert any("hides messages for less than 360 seconds" in says for says in doubts)
    assert any("no queue for dead letters" in says for says in doubts)
    assert any("do not expire by" in says for says in doubts)


def _without_expiry(table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "expiresAt"},
    }


def test_the_command_exits_with_the_worst_and_lists_everything(settings: Settings) -> None:
    given = {
        "DEMAND_STATE": str(settings.state),
        "DEMAND_SHORTENER_URL": settings.shortener_url,
        "DEMAND_EVENT_SOURCE_URL": settings.event_source_url,
        "DEMAND_SMS_URL": settings.sms_url,
    }
    told = CliRunner().invoke(main, ["doctor"], env=given)
    assert (told.exit_code, told.stderr) == (0, "")
    assert [line.split()[:2] for line in told.stdout.splitlines()] == [
        ["ok", "state"],
        ["ok", "database"],
        *(["ok", service] for service in SERVICES),
    ]
    bad = {**given, "DEMAND_SHORTENER_URL": "http://127.0.0.1:1"}
    told = CliRunner().invoke(main, ["doctor", "--json"], env=bad)
    document = json.loads(told.stdout)
    assert (told.exit_code, document["ok"]) == (UNAVAILABLE, False)
    assert [finding["code"] for finding in document["findings"]] == [
        *(WELL, WELL, UNAVAILABLE, WELL, WELL),
    ]
