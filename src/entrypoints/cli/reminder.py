"""`demand reminder`: a fan's wish, and how far the messages of a sale got."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import click

from demand_core.domain.contacts import Email, Phone, parse_email
from demand_core.domain.demands import Demand, DemandDates, DemandRef, any_sale
from demand_core.domain.ids import DemandSaleId, EventId, FanId, checked
from demand_core.domain.notifications import Channel
from demand_core.domain.phones import ParsedPhone, PhonePolicy, parse_phone
from demand_core.errors import Permanent, Transient
from entrypoints.cli.options import Given, given
from entrypoints.ledger import LOCALES, Totals, totals
from entrypoints.profiles import beside

SCHEMA_VERSION: Final = 1
# Reminders go where tickets are sold.
REGIONS: Final = PhonePolicy(regions=frozenset({"US", "CA"}))

MISSED: Final = "  <- misses its goal"

_FAN = click.option("--fan", required=True, help="The fan's id.")
_EVENT = click.option("--event", required=True, help="The event's id.")
_SALE = click.option("--sale", help="One sale of it.  [default: every sale]")
_JSON = click.option("--json", "as_json", is_flag=True, help="One document instead of text.")


@click.group()
def reminder() -> None:
    """Ask for reminders, take that back, and see what became of them."""


@reminder.command()
@_FAN
@_EVENT
@_SALE
@click.option("--sms", help="The number that a text goes to.")
@click.option("--email", help="The address that an e-mail goes to.")
@click.option(
    "--locale",
    type=click.Choice(sorted(LOCALES)),
    help="The fan's own language, for those who set reminder_locale to fan.",
)
@_JSON
@given
def ask(  # noqa: PLR0913  # one for each option
    options: Given,
    fan: str,
    event: str,
    sale: str | None,
    sms: str | None,
    email: str | None,
    *,
    locale: str | None,
    as_json: bool,
) -> None:
    """Ask to be told when a sale of an event opens. Asking again changes the wish."""
    ref, now = _ref(fan, event, sale), datetime.now(UTC)
    demand = Demand(
        fan_id=ref.fan_id,
        event_id=ref.event_id,
        sale_id=ref.sale_id,
        channels=tuple(
            channel
            for channel, contact in ((Channel.SMS, sms), (Channel.EMAIL, email))
            if contact is not None
        ),
        phone_number=None if sms is None else _phone(sms),
        email=None if email is None else _email(email),
        locale=locale,
        consent_at=now,
        consent_source="cli",
        date=DemandDates(requested=now),
    )
    with beside(options.complete()) as ports:
        if ports.demands.ask([demand]):
            raise Transient("the wish was not certainly stored: ask again")
    _told(ref, "asked", as_json=as_json)


@reminder.command()
@_FAN
@_EVENT
@_SALE
@_JSON
@given
def cancel(options: Given, fan: str, event: str, sale: str | None, *, as_json: bool) -> None:
    """Take a wish back; what is not handed over yet will not be."""
    ref = _ref(fan, event, sale)
    with beside(options.complete()) as ports:
        if ports.demands.withdraw([ref]):
            raise Transient("the wish may still stand: cancel again")
    _told(ref, "cancelled", as_json=as_json)


@reminder.command()
@click.argument("sale")
@_JSON
@given
def status(options: Given, sale: str, *, as_json: bool) -> None:
    """Count the messages of SALE by how far they got, and whether all are settled.

    Counted from the messages themselves; what was stored in the last seconds may be missing.
    """
    checked("saleId", sale)
    with beside(options.complete()) as ports:
        found = totals(ports.notifications, sale)
    if as_json:
        document = {"schemaVersion": SCHEMA_VERSION, "saleId": sale, **found.document()}
        click.echo(json.dumps(document, indent=1))
        return
    click.echo("\n".join(_lines(found)))


def _lines(found: Totals) -> Iterator[str]:
    told = found.document()
    missed = told["missed"]
    for status, count in found.by_status.items():
        yield f"{status.value:<14}{count:>8}"
    yield f"{'total':<14}{found.total:>8}"
    for name in ("deliveryRate", "failureRate", "inTimeRate", "meanDeliveryS", "p95DeliveryS"):
        if name in told:
            yield f"{name:<14}{told[name]:>8}" + (MISSED if name in missed else "")
    for reason, count in sorted(found.by_reason.items()):
        yield f"{count} {reason}"
    yield f"attempts      {_spread(found.attempts)}"
    yield "finished" if found.finished else f"{found.of['unsettled']} wait"


def _spread(attempts: Counter[int]) -> str:
    return ", ".join(f"{count} after {n}" for n, count in sorted(attempts.items())) or "none"


def _ref(fan: str, event: str, sale: str | None) -> DemandRef:
    event_id = EventId(checked("eventId", event))
    sale_id = DemandSaleId(checked("demandSaleId", sale)) if sale else any_sale(event_id)
    return DemandRef(fan_id=FanId(checked("fanId", fan)), event_id=event_id, sale_id=sale_id)


def _phone(text: str) -> Phone:
    parsed = parse_phone(text, "US", REGIONS)
    if isinstance(parsed, ParsedPhone):
        return parsed.phone
    raise Permanent(parsed.reason.value, "--sms takes a number that texts can go to")


def _email(text: str) -> Email:
    parsed = parse_email(text)
    if isinstance(parsed, Email):
        return parsed
    raise Permanent(parsed.reason.value, "--email takes an address")


def _told(ref: DemandRef, what: str, *, as_json: bool) -> None:
    if as_json:
        named = {"fanId": ref.fan_id, "eventId": ref.event_id, "saleId": ref.sale_id}
        click.echo(json.dumps({"schemaVersion": SCHEMA_VERSION, **named, "done": what}))
    else:
        click.echo(f"{what}: {ref.sale_id} for {ref.fan_id}")
