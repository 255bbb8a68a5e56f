"""`demand trace` and `demand event why`: what happened, what will, and why; no contacts."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from demand_adapters.testing.fault_plans import NoFaults
from demand_adapters.testing.strategies import NOON, a_demand, a_notification, a_sale, an_event
from demand_core.domain.delivery import Keyed
from demand_core.domain.ids import DemandSaleId, FanId, NotificationId
from demand_core.domain.notifications import DeliveryError, ErrorKind, Timeline
from demand_core.domain.segments import MUSIC
from demand_core.domain.statuses import Status
from entrypoints.cli import main
from entrypoints.profiles import beside
from entrypoints.settings import Settings
from entrypoints.simulation.handovers import HandOvers, number
from entrypoints.simulation.reminders import suppressed_artist, verified_fan
from entrypoints.simulation.world import CALM, START, World
from entrypoints.tracing import Trace, of_fan, of_message
from tests.unit.workers.reminders.desk import Desk

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
UNKNOWN_ID: Final = "0" * 32


def demand(environment: Mapping[str, str | None], *words: str) -> Result:
    return CliRunner().invoke(main, [*words], env=environment)


def folder(environment: Mapping[str, str | None]) -> Settings:
    return Settings(state=Path(environment["DEMAND_STATE"] or ""))


def happened(trace: Trace) -> list[str]:
    return [step.what for step in trace.steps]


@pytest.mark.check("N-CAP6")
def test_every_message_tells_its_attempts_errors_and_states_by_its_id() -> None:
    sour = number(1)
    world = HandOvers(capability=Keyed(), sour=frozenset({sour}), reports=True).play()
    told = world.engines.sms.history
    failed = [
        call.reference for call in world.engines.sms.calls if call.answer == "unavailable"
    ]
    for reference in {*failed, *(text.order.reference for text in told)}:
        trace = of_message(world.outside, NotificationId(reference))
        assert trace is not None
        if reference in failed:
            assert trace.stands == "FAILED: exhausted"
            assert trace.facts["attempts"] == "3"
            errors = [f"known error in attempt {n}" for n in (1, 2, 3)]
            assert happened(trace) == ["created", "first claimed", *errors, "failed"]
        else:
            assert trace.stands == "DELIVERED"
            states = ["triggered", "queued", "sent", "delivered"]
            assert happened(trace) == ["created", "first claimed", *states]
            assert all(step.heard and step.heard >= step.at for step in trace.steps[2:])


def played(minutes: int) -> World:
    story = verified_fan(1.0)
    world = story.world(7, CALM, NoFaults(), Settings())
    world.run_until(START + timedelta(minutes=minutes))
    return world


def test_a_wish_tells_what_will_come_of_it_before_and_after() -> None:
    (wish,) = of_fan(played(20).outside, FanId("F000000"))
    assert wish.stands.endswith(": a later tick makes them")
    assert happened(wish) == ["asked"]
    wish, message = of_fan(played(45).outside, FanId("F000000"))
    assert wish.stands.endswith(": they are made")
    assert happened(wish) == ["asked", "first handed over", "first arrived"]
    assert message.stands == "DELIVERED"


def test_a_wish_that_nobody_answers_tells_why() -> None:
    story = suppressed_artist(1.0)
    world = story.world(7, CALM, NoFaults(), Settings())
    world.run_until(START + story.lasts)
    (wish,) = of_fan(world.outside, FanId("F000000"))
    assert "nobody is told: artist ('K8vZ917Hush')" in wish.stands


def test_a_message_that_waits_tells_what_its_sender_will_find() -> None:
    row, desk = a_notification(demand_sale_id=DemandSaleId("E1.public")), Desk()
    desk.ports.notifications.create([row])
    desk.clock.move_to(NOON + MINUTE)

    def stands() -> str:
        (*_, trace) = of_fan(desk.ports, row.fan_id)
        return trace.stands

    assert stands() == "CREATED; looked at from 2025-02-14T12:00:00Z on: DROPPED: withdrawn"
    desk.ports.demands.ask([a_demand()])
    assert stands().endswith("on: SUPPRESSED: sale_unknown")
    desk.clock.move_to(row.not_after)
    assert stands().endswith("on: too late")


def test_a_trace_shows_no_contact_and_no_text(environment: Mapping[str, str | None]) -> None:
    error = DeliveryError(
        at=NOON + SECOND, attempt=1, kind=ErrorKind.KNOWN, code="busy", detail="+12125550001"
    )
    row = a_notification(status=Status.SENT, date=Timeline(created=NOON), errors=(error,))
    with beside(folder(environment)) as ports:
        ports.notifications.create([row])
        ports.demands.ask([a_demand()])
    for words in ([row.fan_id], [row.notification_id], [row.fan_id, "--json"]):
        done = demand(environment, "trace", *words)
        assert done.exit_code == 0, done.output
        assert "2125550001" not in done.output
        if row.message_body:
            assert row.message_body.reveal() not in done.output
    found: dict[str, Any] = json.loads(demand(environment, "trace", "F1", "--json").stdout)
    wish, message = found["traces"]
    assert wish["subject"] == "wish F1 E1.public"
    assert [step["what"] for step in message["steps"]] == [
        "created",
        "known error in attempt 1",
    ]


@pytest.mark.parametrize("who", ["F9", UNKNOWN_ID])
def test_whom_nobody_knows_is_said(environment: Mapping[str, str | None], who: str) -> None:
    done = demand(environment, "trace", who)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "not_found" in done.stderr


def test_what_is_no_id_is_refused_unread(environment: Mapping[str, str | None]) -> None:
    done = demand(environment, "trace", "F 1\n")
    assert done.exit_code == 3
    assert "bad_id: fanId" in done.stderr


def test_why_tells_of_each_sale_what_becomes_of_its_reminders(
    environment: Mapping[str, str | None],
) -> None:
    event = an_event(segment=MUSIC, country="DE")
    with beside(folder(environment)) as ports:
        ports.events.refresh([event])
        ports.sales.relist(event.event_id, [a_sale(start_at=NOON)], NOON)
    found = json.loads(demand(environment, "event", "why", "E1", "--json").stdout)
    assert found["event"]["link"] == "none yet, and calls are left"
    (sale,) = found["sales"]
    assert sale["prospect"] == "nobody is told: country ('DE')"
    assert sale["sendUntil"] == "2025-02-14T11:58:00.000Z"
    assert "nobody is told" in demand(environment, "event", "why", "E1").stdout
    assert demand(environment, "event", "why", "E2").exit_code == 3
    assert demand(environment, "event", "why", "E 2").exit_code == 3
