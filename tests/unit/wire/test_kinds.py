"""How sales, wishes, last words and guards lie in the table, and what of them is essence."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Item, Key
from demand_adapters.testing.strategies import (
    MILLISECOND,
    NOON,
    a_notification,
    demands,
    guards,
    instants,
    opt_outs,
    sales,
)
from demand_adapters.wire.books import Guard
from demand_adapters.wire.converters import instant
from demand_adapters.wire.item_keys import (
    demand_key,
    demand_ref,
    event_key,
    guard_key,
    opt_out_key,
    sale_key,
)
from demand_adapters.wire.items import DEMAND, GUARD, OPT_OUT, SALE, essence
from demand_adapters.wire.keys import parse, parse_index
from demand_adapters.wire.values import check
from demand_core.domain.contacts import ContactKey, Email, Phone, contact_hash
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.ids import DemandSaleId, EventId, FanId, shard
from demand_core.domain.notifications import Channel
from demand_core.domain.opt_outs import Consent, ConsentSource, OptOut
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.sales import Generation, GenerationState, Sale, SaleDates, presale_id
from demand_core.errors import Permanent

GOLDEN: Final = Path(__file__).parent / "golden"
HASHED: Final = contact_hash(Phone("+12125550123"), ContactKey("k1", b"sixteen bytes or"))
PRESALE: Final = Sale(
    sale_id=presale_id(EventId("G5diZ9NkL6uPT"), "artist presale"),
    event_id=EventId("G5diZ9NkL6uPT"),
    name="Verified Fan® Presale",
    kind=SaleKind.VERIFIED_FAN,
    name_key="artist presale",
    aliases=("verified fan presale",),
    told_by="verified fan",
    start_at=NOON + timedelta(minutes=30),
    end_at=NOON + timedelta(days=1),
    url="https://www.ticketmaster.com/presale/G5diZ9NkL6uPT",
    generation=Generation(
        start_at=NOON + timedelta(minutes=30),
        ordered_at=NOON,
        state=GenerationState.DONE,
        shards=("0", "f"),
    ),
    date=SaleDates(first_seen=NOON - timedelta(days=3), updated=NOON - timedelta(days=1)),
)
WISH: Final = Demand(
    fan_id=FanId("fan-1"),
    event_id=EventId("G5diZ9NkL6uPT"),
    sale_id=DemandSaleId("G5diZ9NkL6uPT.any"),
    channels=(Channel.SMS, Channel.EMAIL),
    phone_number=Phone("+12125550123"),
    email=Email("Jo.Fan+x@mail.example"),
    locale="fr-ca",
    time_zone="America/Toronto",
    consent_at=NOON - timedelta(days=2),
    consent_source="event page",
    date=DemandDates(
        requested=NOON - timedelta(days=2),
        updated=NOON - timedelta(days=1),
        triggered=NOON,
        notified=NOON + timedelta(seconds=4),
    ),
)


def listed(sale: Sale) -> Item:
    return SALE.item(sale_key(sale.sale_id), sale, None, NOON)


def asked(demand: Demand) -> Item:
    return DEMAND.item(demand_key(demand.ref), demand, None, NOON)


def said(opt_out: OptOut) -> Item:
    return OPT_OUT.item(opt_out_key(HASHED, Channel.SMS), opt_out, None, NOON)


def guarded(guard: Guard) -> Item:
    return GUARD.item(guard_key(HASHED, "E1.public", Channel.SMS), guard, None, NOON)


def stored(item: Item, **fields: Any) -> Item:
    """*item* as it is read later, with what others wrote into it."""
    return Item(item.key, item.body | fields, item.index, item.expires_at, "r1")


@pytest.mark.parametrize("item", [listed(PRESALE), asked(WISH)], ids=["sale", "demand"])
def test_an_item_lies_in_the_table_as_it_always_did(item: Item) -> None:
    golden = json.loads((GOLDEN / f"{item.body['type']}.json").read_text())
    index = {name: [*entry] for name, entry in item.index.items()}
    assert {"keys": [*item.key], "body": item.body, "index": index} == golden
    assert item.expires_at is None


def test_what_always_lay_in_the_table_can_be_read() -> None:
    sale, demand = (
        json.loads((GOLDEN / f"{name}.json").read_text())["body"] for name in ("sale", "demand")
    )
    assert SALE.row(Item(sale_key(PRESALE.sale_id), sale)).value == PRESALE
    assert DEMAND.row(Item(demand_key(WISH.ref), demand)).value == WISH


@given(sale=sales, demand=demands, opt_out=opt_outs, guard=guards)
def test_what_is_written_is_read_again(
    sale: Sale, demand: Demand, opt_out: OptOut, guard: Guard
) -> None:
    items = [listed(sale), asked(demand), said(opt_out), guarded(guard)]
    check(items)
    assert SALE.row(items[0]).value == sale
    assert DEMAND.row(items[1]).value == demand
    assert OPT_OUT.row(items[2]).value == opt_out
    assert GUARD.row(items[3]).value == guard


def test_keys_look_as_the_records_say() -> None:
    assert sale_key("E1.public") == ("event:E1", "sale#E1.public")
    assert demand_key(WISH.ref) == ("fan:fan-1", "evt#G5diZ9NkL6uPT#G5diZ9NkL6uPT.any")
    contact = f"contact:{HASHED}"
    assert opt_out_key(HASHED, Channel.SMS) == (contact, "optout#sms")
    guard = guard_key(HASHED, "E1.public", Channel.EMAIL)
    assert guard == (contact, "sale#E1.public#email")


@given(sale=sales, demand=demands)
def test_a_key_reads_as_what_it_was_built_of(sale: Sale, demand: Demand) -> None:
    parts = {"eventId": sale.event_id, "saleId": sale.sale_id}
    assert parse(sale_key(sale.sale_id)) == ("sale", parts)
    assert demand_ref(demand_key(demand.ref)) == demand.ref


@pytest.mark.parametrize(
    "key",
    [
        event_key("E1"),
        sale_key("E1.public"),
        ("fan:F1", "ntf#E1.public#sms"),
        ("fan:F1", "evt#E1"),
        ("F1", "evt#E1#E1.any"),
    ],
)
def test_no_wish_lies_where_something_else_does(key: Key) -> None:
    assert demand_ref(key) is None


@pytest.mark.parametrize("part", ["", " ", "a#b", "a:b", "a\n", "x" * 65, "é", "../a"])
def test_a_hostile_key_is_refused(part: str) -> None:
    keys: Sequence[Callable[[], Key]] = [
        lambda: sale_key(f"{part}.public"),
        lambda: demand_key(evolve(WISH.ref, fan_id=FanId(part))),
        lambda: opt_out_key(part, Channel.SMS),
        lambda: guard_key(part, "E1.public", Channel.SMS),
        lambda: guard_key(HASHED, part, Channel.SMS),
    ]
    for key in keys:
        with pytest.raises(Permanent) as refusal:
            key()
        assert refusal.value.code == "bad_id"


def test_a_sale_or_wish_that_lies_in_another_s_place_is_none() -> None:
    assert SALE.row(Item(sale_key("E1.public"), listed(PRESALE).body)).value is None
    elsewhere = demand_key(evolve(WISH.ref, fan_id=FanId("fan-2")))
    assert DEMAND.row(Item(elsewhere, asked(WISH).body)).value is None


@pytest.mark.parametrize(
    "wrong",
    [
        *[{"channels": []}, {"channels": ["fax"]}, {"phoneNumber": None}, {"date": {}}],
        *[{"saleId": "E2.any"}, {"email": "fan"}, {"phoneNumber": "0123"}],
    ],
)
def test_a_wish_that_does_not_hold_together_is_none(wrong: dict[str, Any]) -> None:
    assert DEMAND.row(stored(asked(WISH), **wrong)).value is None


@given(sale=sales)
def test_a_sale_is_in_an_index_while_it_has_a_start_and_is_listed(sale: Sale) -> None:
    index = listed(sale).index
    if sale.start_at is None or sale.withdrawn_at is not None:
        assert index == {}
        return
    name, parts = parse_index("byTime", index["byTime"]) or ("", {})
    assert (list(index), name) == (["byTime"], "sale")
    assert parts["saleId"] == sale.sale_id
    assert parts["startAt"] == instant(sale.start_at)
    begin = datetime.fromisoformat(parts["hour"] + ":00Z")
    assert begin <= sale.start_at < begin + timedelta(hours=1)


@given(demand=demands)
def test_a_wish_is_in_the_index_of_its_sale_by_the_time_of_its_request(demand: Demand) -> None:
    group = f"ask#{demand.sale_id}#{shard(demand.fan_id)}"
    entry = (group, f"{instant(demand.date.requested)}#{demand.fan_id}")
    assert asked(demand).index == {"byGroup": entry}
    parts = parse_index("byGroup", entry)
    assert parts is not None
    assert (parts[0], parts[1]["saleId"]) == ("ask", demand.sale_id)


@given(known=sales, then=sales, now=instants)
def test_the_index_entry_of_a_sale_moves_with_it(
    known: Sale, then: Sale, now: datetime
) -> None:
    then = evolve(then, event_id=known.event_id, sale_id=known.sale_id)
    before = stored(listed(known), theirs=1)
    after = SALE.item(before.key, then, SALE.row(before), now)
    assert after.index == listed(then).index
    assert (after.body["theirs"], SALE.row(after).value) == (1, then)


@given(guard=guards)
def test_a_guard_goes_30_days_after_its_message_is_of_no_more_use(guard: Guard) -> None:
    expires_at = guarded(guard).expires_at
    assert expires_at is not None
    gone = datetime.fromtimestamp(expires_at, UTC)
    assert abs(gone - guard.until - timedelta(days=30)) <= 500 * MILLISECOND


@given(opt_out=opt_outs)
def test_a_last_word_is_in_no_index_and_stays(opt_out: OptOut) -> None:
    item = said(opt_out)
    assert (item.index, item.expires_at) == ({}, None)


@given(sale=sales, demand=demands, opt_out=opt_outs, later=instants, n=st.integers(0, 2**60))
def test_two_ways_to_one_state_have_one_essence(
    sale: Sale, demand: Demand, opt_out: OptOut, later: datetime, n: int
) -> None:
    other_sale = evolve(
        sale,
        withdrawn_at=sale.withdrawn_at and later,
        generation=None,
        date=SaleDates(first_seen=later),
    )
    marks = evolve(demand, date=evolve(demand.date, triggered=later))
    for one, other in (
        (listed(sale), listed(other_sale)),
        (asked(demand), asked(marks)),
        (said(opt_out), said(evolve(opt_out, at=later))),
    ):
        assert essence(stored(other, version=n, schemaVersion=2)) == essence(one)


OTHERS: Final = (
    *(listed(evolve(PRESALE, **part)) for part in ({"name": "x"}, {"withdrawn_at": NOON})),
    listed(evolve(PRESALE, start_at=NOON)),
    *(asked(evolve(WISH, **part)) for part in ({"locale": None}, {"channels": (Channel.SMS,)})),
    asked(evolve(WISH, phone_number=Phone("+12125550124"))),
    said(OptOut(state=Consent.IN, at=NOON, source=ConsentSource.KEYWORD)),
    guarded(Guard(owner=a_notification(2).notification_id, until=NOON)),
)
ONES: Final = {
    "sale": listed(PRESALE),
    "demand": asked(WISH),
    "optOut": said(OptOut(state=Consent.OUT, at=NOON, source=ConsentSource.KEYWORD)),
    "contactGuard": guarded(Guard(owner=a_notification(1).notification_id, until=NOON)),
}


@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_another_state_has_another_essence(other: Item) -> None:
    assert essence(other) != essence(ONES[str(other.body["type"])])
