"""`demand reminder`: a wish is stored, taken back, and its messages are counted."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from demand_adapters.testing.strategies import a_notification
from demand_core.domain.demands import Demand, DemandRef
from demand_core.domain.ids import DemandSaleId, EventId, FanId
from demand_core.domain.notifications import Channel, Claim
from demand_core.domain.statuses import Status
from entrypoints.cli import main
from entrypoints.profiles import beside
from entrypoints.settings import Settings

NUMBER: Final = "+12125550123"


def demand(environment: Mapping[str, str | None], *words: str) -> Result:
    return CliRunner().invoke(main, ["reminder", *words], env=environment)


def asked(environment: Mapping[str, str | None], sale: str = "E1.any") -> Demand | None:
    ref = DemandRef(fan_id=FanId("F1"), event_id=EventId("E1"), sale_id=DemandSaleId(sale))
    with beside(Settings(state=Path(environment["DEMAND_STATE"] or ""))) as ports:
        return ports.demands.get_many([ref]).get(ref)


def test_a_wish_is_stored_with_its_contacts_and_asking_again_changes_it(
    environment: Mapping[str, str | None],
) -> None:
    fan = ("--fan", "F1", "--event", "E1")
    done = demand(environment, "ask", *fan, "--sms", "(212) 555-0123")
    assert (done.exit_code, done.stdout) == (0, "asked: E1.any for F1\n")
    stored = asked(environment)
    assert stored
    assert stored.phone_number
    assert (stored.phone_number.reveal(), stored.channels) == (NUMBER, (Channel.SMS,))
    again = demand(environment, "ask", *fan, "--email", "fan@example.org", "--json")
    assert json.loads(again.stdout)["saleId"] == "E1.any"
    changed = asked(environment)
    assert changed
    assert changed.channels == (Channel.EMAIL,)
    assert changed.date.requested == stored.date.requested


def test_a_wish_that_is_taken_back_is_gone_and_may_be_taken_back_again(
    environment: Mapping[str, str | None],
) -> None:
    fan = ("--fan", "F1", "--event", "E1", "--sale", "E1.public")
    demand(environment, "ask", *fan, "--sms", NUMBER)
    assert asked(environment, "E1.public")
    for _ in range(2):
        assert demand(environment, "cancel", *fan).exit_code == 0
        assert asked(environment, "E1.public") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fan", "F 1", "--event", "E1", "--sms", NUMBER], "bad_id: fanId"),
        (["--fan", "F1", "--event", "E#1", "--sms", NUMBER], "bad_id: eventId"),
        (["--fan", "F1", "--event", "E1", "--sale", "E2.public", "--sms", NUMBER], "bad_id"),
        (["--fan", "F1", "--event", "E1", "--sale", "public", "--sms", NUMBER], "bad_id"),
        (["--fan", "F1", "--event", "E1"], "no_channel"),
        (["--fan", "F1", "--event", "E1", "--sms", "911"], "--sms takes a number"),
        (["--fan", "F1", "--event", "E1", "--sms", "+442079460000"], "region_not_allowed"),
        (["--fan", "F1", "--event", "E1", "--email", "nobody"], "--email takes an address"),
    ],
)
def test_a_wish_that_could_not_be_served_is_refused_and_nothing_is_stored(
    environment: Mapping[str, str | None], words: list[str], said: str
) -> None:
    done = demand(environment, "ask", *words)
    assert done.exit_code == 3
    assert said in done.stderr
    assert NUMBER not in done.output
    assert asked(environment) is None


def test_the_messages_of_a_sale_are_counted_by_how_far_they_got(
    environment: Mapping[str, str | None],
) -> None:
    claim = Claim(by="me", until=a_notification().not_after, number=1)
    rows = [
        a_notification(1, status=Status.DELIVERED, send_attempts=1),
        a_notification(2, status=Status.DELIVERED, send_attempts=2),
        a_notification(3, status=Status.FAILED, send_attempts=1),
        a_notification(
            4,
            status=Status.CLAIMED,
            claim=claim,
            outcome_unknown_since=claim.until - timedelta(minutes=1),
        ),
    ]
    with beside(Settings(state=Path(environment["DEMAND_STATE"] or ""))) as ports:
        assert not ports.notifications.create(rows)
    found: dict[str, Any] = json.loads(
        demand(environment, "status", "E1.public", "--json").stdout
    )
    assert found["byStatus"] == {"CLAIMED": 1, "FAILED": 1, "DELIVERED": 2}
    assert (found["total"], found["finished"], found["unsettled"]) == (4, False, 1)
    assert found["doubtful"] == 1
    assert found["attempts"] == {"0": 1, "1": 2, "2": 1}
    with beside(Settings(state=Path(environment["DEMAND_STATE"] or ""))) as ports:
        ports.notifications.amend(rows[3].ref, lambda row: evolve(row, status=Status.UNKNOWN))
    said = demand(environment, "status", "E1.public").stdout.splitlines()
    assert said[-1] == "finished"
    assert ["total", "4"] in [line.split() for line in said]


def test_a_sale_that_is_none_is_refused(environment: Mapping[str, str | None]) -> None:
    assert demand(environment, "status", "E1.any").exit_code == 3
