"""Sales: what their names tell, and ids that outlive every change but a new name unseen."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, sales, texts
from demand_core.domain.ids import ALPHABETS, EventId
from demand_core.domain.sale_kinds import SaleKind, told_kind
from demand_core.domain.sales import (
    Generation,
    ListedSale,
    Sale,
    SaleDates,
    announced,
    name_key,
    presale_id,
    presales,
    public_sale,
    relisted,
    resighted,
)

E1: Final = EventId("E1")
HOUR: Final = timedelta(hours=1)

times = st.none() | st.integers(0, 5).map(lambda n: NOON + n * HOUR)
listed_sales = st.builds(
    ListedSale,
    name=st.none() | texts | st.sampled_from(["Artist Presale", "ARTIST presale™", "Fan Club"]),
    description=st.none() | texts,
    start_at=times,
    end_at=times,
    url=st.none(),
    listed_url=st.none() | texts,
)
listings = st.lists(listed_sales, max_size=6)


def of(*listed: ListedSale) -> list[Sale]:
    return list(presales(E1, listed))


def named(name: str, start: int = 0) -> ListedSale:
    return ListedSale(name=name, start_at=NOON + start * HOUR)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Verified Fan® Registration", SaleKind.REGISTRATION),
        ("PRE-REGISTRATION", SaleKind.REGISTRATION),
        ("Préinscription des fans", SaleKind.REGISTRATION),
        ("Ｒｅｇｉｓｔｒａｔｉｏｎ", SaleKind.REGISTRATION),
        ("Regis\u200btration opens", SaleKind.REGISTRATION),
        ("Fan registrations", SaleKind.REGISTRATION),
        ("Ticketmaster Verified Fan℠ Presale", SaleKind.VERIFIED_FAN),
        ("VerifiedFan Onsale", SaleKind.VERIFIED_FAN),
        ("Prévente Fans Vérifiés", SaleKind.VERIFIED_FAN),
        ("American Express® Early Access", SaleKind.CARD),
        ("Citi® Cardmember Preferred Tickets", SaleKind.CARD),
        ("Mastercard VIP Presale", SaleKind.CARD),
        ("V.I.P. Packages", SaleKind.VIP),
        ("Official Platinum Presale", SaleKind.VIP),
        ("Chase Ridley Presale", SaleKind.PRESALE),
        ("Live Nation Pre-Sale", SaleKind.PRESALE),
        ("General Onsale", SaleKind.PUBLIC),
    ],
)
def test_a_name_tells_the_kind(name: str, kind: SaleKind) -> None:
    told = told_kind(name)
    assert told is not None
    assert told[0] is kind


@pytest.mark.parametrize("name", ["Radio 98.1", "", "🎟", "Visage Collective", "Registrar"])
def test_an_unfamiliar_name_is_a_plain_presale_and_can_be_counted(name: str) -> None:
    (sale,) = of(ListedSale(name=name))
    assert (sale.kind, sale.told_by) == (SaleKind.PRESALE, None)


def test_a_description_is_asked_only_where_the_name_is_unfamiliar() -> None:
    (told, plain) = of(
        ListedSale(name="Lighthouse Keepers", description="For VIPs.", start_at=NOON),
        ListedSale(name="Presale", description="For VIPs.", start_at=NOON + HOUR),
    )
    assert (told.kind, plain.kind) == (SaleKind.VIP, SaleKind.PRESALE)
    assert told_kind("Radio", "Registration is closed, see the public sale") is None


def test_only_a_registration_makes_a_public_sale_another_kind() -> None:
    names = ["", "Citi", "On Sale Registration"]
    kinds = [public_sale(E1, ListedSale(name=name)).kind for name in names]
    assert kinds == [SaleKind.PUBLIC, SaleKind.PUBLIC, SaleKind.REGISTRATION]


def test_an_id_is_the_digest_of_the_event_and_the_key_of_the_name() -> None:
    (sale,) = of(named("  Café™ & Friends — Presale! "))
    assert sale.name_key == "café friends presale"
    text = b"13:demand.sale/1,2:E1,21:caf\xc3\xa9 friends presale,"
    assert sale.sale_id == f"E1.p{hashlib.sha256(text).hexdigest()[:12]}"


def test_of_one_name_the_later_presales_are_numbered() -> None:
    first, second, third = of(named("Presale", 2), named("PRESALE", 1), named("presale!", 3))
    assert [sale.start_at for sale in (first, second, third)] == [
        NOON + n * HOUR for n in (1, 2, 3)
    ]
    assert first.sale_id == presale_id(E1, "presale")
    assert second.sale_id == presale_id(E1, "presale", 2)
    assert third.sale_id == presale_id(E1, "presale", 3)


def test_a_presale_without_letters_is_known_by_its_url() -> None:
    (sale,) = of(ListedSale(name="🎟", listed_url="https://tickets.example/x"))
    assert sale.name_key == "https://tickets.example/x"


@given(listed=listings, data=st.data())
def test_neither_order_nor_spelling_enters_an_id(
    listed: list[ListedSale], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(listed))
    assert of(*mixed) == of(*listed)
    shouted = [evolve(sale, name=f" {sale.name}® " if sale.name else None) for sale in listed]
    assert {sale.sale_id for sale in of(*shouted)} == {sale.sale_id for sale in of(*listed)}


@given(listed=listings)
def test_ids_are_spelled_as_ids_and_differ(listed: list[ListedSale]) -> None:
    ids = [sale.sale_id for sale in of(*listed)]
    assert len(set(ids)) == len(ids)
    assert all(ALPHABETS["saleId"].fullmatch(sale_id) for sale_id in ids)


@given(sale=listed_sales, start=times, end=times)
def test_a_move_keeps_the_id(
    sale: ListedSale, start: datetime | None, end: datetime | None
) -> None:
    (before,), (after,) = of(sale), of(evolve(sale, start_at=start, end_at=end))
    assert before.sale_id == after.sale_id


@pytest.mark.parametrize(
    ("at", "known"),
    [
        (datetime(1900, 1, 1, 6, tzinfo=UTC), False),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2000, 1, 1, tzinfo=UTC), True),
        (datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2100, 1, 1, tzinfo=UTC), False),
        (datetime(9999, 12, 31, 6, tzinfo=UTC), False),
    ],
)
def test_a_time_that_nobody_would_set_is_unknown(at: datetime, *, known: bool) -> None:
    assert announced(at) == (at if known else None)


def test_a_renamed_presale_keeps_its_id_and_takes_its_new_kind() -> None:
    (before,) = of(named("Artist Presale"))
    (renamed,) = relisted([before], of(named("Verified Fan Presale")), NOON)
    assert renamed.sale_id == before.sale_id
    assert (renamed.name, renamed.kind) == ("Verified Fan Presale", SaleKind.VERIFIED_FAN)
    assert (renamed.name_key, renamed.aliases) == ("artist presale", ("verified fan presale",))
    (moved,) = relisted([renamed], of(named("Verified Fan Presale", 3)), NOON)
    assert (moved.sale_id, moved.start_at) == (before.sale_id, NOON + 3 * HOUR)
    (back,) = relisted([moved], of(named("Artist Presale", 3)), NOON)
    assert (back.sale_id, back.aliases) == (before.sale_id, moved.aliases)


@pytest.mark.parametrize(
    "listed",
    [
        of(named("Fan Club", 1)),
        of(named("Fan Club"), named("Radio")),
        of(ListedSale(name="Fan Club")),
    ],
)
def test_what_may_be_another_presale_gets_an_id_of_its_own(listed: list[Sale]) -> None:
    (before,) = of(named("Artist Presale"))
    *new, withdrawn = relisted([before], listed, NOON)
    assert new == listed
    assert withdrawn == evolve(before, withdrawn_at=NOON)


def test_a_withdrawn_sale_comes_back_when_it_is_listed_again() -> None:
    listed = of(named("Fan Club"))
    gone = relisted(listed, [], NOON)
    assert relisted(gone, [], NOON + HOUR) == gone
    assert relisted(gone, listed, NOON + HOUR) == listed


@given(history=st.lists(listings, min_size=1, max_size=4))
def test_no_sale_is_ever_forgotten_or_doubled(history: list[list[ListedSale]]) -> None:
    known: list[Sale] = []
    for listed in history:
        after = list(relisted(known, of(*listed), NOON))
        ids = [sale.sale_id for sale in after]
        assert len(set(ids)) == len(ids)
        assert {sale.sale_id for sale in known} <= set(ids)
        assert sum(not sale.withdrawn_at for sale in after) == len(listed)
        known = after


@given(sale=sales)
def test_a_sale_is_first_seen_when_it_is_first_listed(sale: Sale) -> None:
    dates = SaleDates(first_seen=NOON, updated=NOON)
    assert resighted(None, sale, NOON) == evolve(sale, date=dates)


@given(known=sales, listed=sales)
def test_a_look_up_replaces_what_it_has_a_say_in_and_dates_what_is_new(
    known: Sale, listed: Sale
) -> None:
    renamed = f"{known.name}!"
    listed = evolve(listed, sale_id=known.sale_id, aliases=known.aliases, name=renamed)
    after = resighted(known, listed, NOON)
    assert evolve(after, generation=listed.generation, date=listed.date) == listed
    assert after.generation == known.generation
    assert after.date == evolve(known.date, updated=NOON)


@given(known=sales)
def test_a_look_up_that_brings_no_news_changes_nothing(known: Sale) -> None:
    marks = Generation(start_at=NOON, ordered_at=NOON)
    for listed in (known, evolve(known, generation=marks), evolve(known, date=SaleDates())):
        assert resighted(known, listed, NOON) == known


def test_a_name_that_was_learned_meanwhile_is_news_and_none_is_lost() -> None:
    (sale,) = of(named("Artist Presale"))
    known = evolve(sale, aliases=("fan club", "radio"))
    after = resighted(known, evolve(sale, aliases=("venue", "radio")), NOON)
    assert after.aliases == ("fan club", "radio", "venue")
    assert resighted(after, sale, NOON + HOUR) == after


@given(sale=sales)
def test_the_key_that_made_an_id_is_kept_with_it(sale: Sale) -> None:
    assert sale.sale_id == presale_id(sale.event_id, sale.name_key or "")
    assert not sale.is_public


@given(name=texts)
def test_a_name_key_holds_letters_and_digits_in_words(name: str) -> None:
    assert all(sign.isalnum() or sign == " " for sign in name_key(name))
    assert name_key(name) == " ".join(name_key(name).split())
