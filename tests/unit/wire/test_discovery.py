"""Answers of the Discovery API: understood where they can be, refused by place where not."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.discovery import DOCUMENT_BYTES_MAX, listing
from demand_core.domain.artists import Artist
from demand_core.domain.events import Event, EventDate, EventStart
from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing, Oddity
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.segments import MUSIC
from demand_core.domain.venues import Venue
from demand_core.errors import Permanent

ANSWERS: Final = Path(__file__).parents[2] / "data" / "discovery"
CANARY: Final = "canary#5551234"
LEAST: Final = {
    "id": "E1",
    "name": "A Show",
    "url": "https://www.ticketmaster.com/event/E1",
}


def answer(name: str) -> bytes:
    return (ANSWERS / f"{name}.json").read_bytes()


FULL: Final[dict[str, Any]] = json.loads(answer("club_night"))


def read(document: object) -> Listing:
    return listing(json.dumps(document).encode(), NOON)


def refusal(document: object) -> str:
    with pytest.raises(Permanent) as refused:
        read(document)
    return str(refused.value)


def test_an_event_is_all_that_its_document_says() -> None:
    assert listing(answer("club_night"), NOON).event == Event(
        event_id=EventId("vvG1IZ9YbnT3qA"),
        name="Lanterns at Low Tide: Harbour Tour",
        url="https://www.ticketmaster.com/lanterns-at-low-tide-harbour-tour/event/0A005F11C2",
        brand="ticketmaster",
        country="US",
        storefront="TM_US",
        locale="en-us",
        status="offsale",
        cached_at=NOON,
        time_zone="America/Los_Angeles",
        event_date=EventDate(
            start=EventStart(
                date_time=datetime(2027, 8, 22, 2, 30, tzinfo=UTC),
                local_date="2027-08-21",
                local_time="19:30:00",
            )
        ),
        venue=Venue(
            venue_id="KovZpZA7tide",
            name="The Breakwater",
            city="Los Angeles",
            region="CA",
            country="US",
        ),
        artists=(
            Artist(artist_id="K8vZ917Lantern", name="Lanterns at Low Tide"),
            Artist(artist_id="K8vZ917Gannet", name="Gannet"),
        ),
        segment=MUSIC,
        image_url="https://s1.ticketm.net/dam/a/1/lanterns_1136.jpg",
    )


def test_its_sales_come_with_ids_and_kinds_the_public_one_first() -> None:
    found = listing(answer("club_night"), NOON)
    public, *others = found.sales
    assert (public.sale_id, public.kind) == ("vvG1IZ9YbnT3qA.public", SaleKind.PUBLIC)
    assert public.start_at == datetime(2027, 3, 5, 18, tzinfo=UTC)
    assert {sale.name: sale.kind for sale in others} == {
        "Verified Fan® Registration": SaleKind.REGISTRATION,
        "Ticketmaster Verified Fan® Presale": SaleKind.VERIFIED_FAN,
        "Citi® Cardmember Presale": SaleKind.CARD,
        "V.I.P. Packages": SaleKind.VIP,
        "Lighthouse Keepers": SaleKind.PRESALE,
        "Radio 98.1": SaleKind.PRESALE,
    }
    assert found.oddities == (Oddity("unfamiliar_presale", "$.sales.presales"),)


def test_ids_of_sales_stay_what_they_were_when_this_was_written() -> None:
    ids = [sale.sale_id for sale in listing(answer("quebec_play"), NOON).sales]
    assert ids == [
        "1AvZ-Zq_GkdJ7.public",
        "1AvZ-Zq_GkdJ7.p0dd3cef52a6c",
        "1AvZ-Zq_GkdJ7.p032b9aa7d678",
    ]


def test_what_is_to_be_announced_is_unknown() -> None:
    found = listing(answer("quebec_play"), NOON)
    assert found.event.event_date.start == EventStart(local_date="2027-11-07", time_tba=True)
    assert found.sales[0].start_at is None
    assert (found.event.locale, found.event.storefront) == ("fr-ca", "TM_CA")
    assert found.event.time_zone == "America/Toronto"


def test_a_cancelled_trial_abroad_is_read_as_that() -> None:
    found = listing(answer("cancelled_match"), NOON)
    event = found.event
    assert (event.status, event.is_test, event.country) == ("canceled", True, "MX")
    assert (event.brand, event.storefront, event.locale) == ("livenation", "LN_US", "en-us")
    assert found.sales[0].start_at is None
    assert found.oddities == (Oddity("unknown_zone", "$.dates.timezone"),)


def test_the_least_that_makes_an_event() -> None:
    found = read(LEAST)
    assert (found.sales, found.oddities) == ((), ())
    assert (found.event.country, found.event.status) == ("ZZ", "unknown")
    assert read(dict.fromkeys(FULL) | LEAST) == found
    assert read(dict.fromkeys(FULL, "") | LEAST) == found
    assert read({name: {} for name in FULL} | LEAST) == found


@pytest.mark.parametrize("name", sorted(LEAST))
def test_what_must_be_there_is_missed_by_its_place(name: str) -> None:
    for absent in (None, "", "  "):
        assert refusal(LEAST | {name: absent}) == f"missing_field: $.{name}"
    assert refusal({k: v for k, v in LEAST.items() if k != name}) == f"missing_field: $.{name}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 5}, "wrong_type: $.name: not text"),
        ({"id": "a b"}, "bad_id: $.id: not the spelling of an event id"),
        ({"type": "venue"}, "no_event: $.type: not event"),
        ({"test": "yes"}, "wrong_type: $.test: not true or false"),
        ({"name": "\ud800"}, "bad_text: $.name: half a surrogate pair"),
        ({"sales": [1]}, "wrong_type: $.sales: not an object"),
        ({"sales": {"presales": {"a": 1}}}, "wrong_type: $.sales.presales: not a list"),
        (
            {"sales": {"presales": [{}, {"name": 1}]}},
            "wrong_type: $.sales.presales[1].name: not text",
        ),
        (
            {"images": [{"width": 10.5}]},
            "wrong_type: $.images[0].width: not a whole number",
        ),
        ({"_embedded": {"venues": "x"}}, "wrong_type: $._embedded.venues: not a list"),
    ],
)
def test_a_wrong_value_is_refused_by_its_place(change: dict[str, object], said: str) -> None:
    assert refusal(LEAST | change) == said


@pytest.mark.parametrize(
    "url",
    [
        "http://www.ticketmaster.com/x",
        "javascript:alert(1)",
        "https://www.ticketmaster.com@evil.example/",
        "https://www.ticketmaster.com\\@evil.example/",
        "https://www.ticketmaster.com:8443/x",
        "https://ticketmaster.com.evil.example/",
        "https://notticketmaster.com/",
        "https://xn--tcketmaster-9db.com/",
        "https://10.0.0.1/x",
        "https://www.ticketmaster.com/a b",
        "https://www.ticketmaster.com/\u202e",
        "https://www.ticketmaster.com/" + "a" * 3000,
    ],
)
def test_an_event_whose_link_leads_elsewhere_is_refused(url: str) -> None:
    assert refusal(LEAST | {"url": url}) == "bad_url: $.url: no https link to a known shop"


def test_a_presale_link_that_leads_elsewhere_is_left_out() -> None:
    presale = {"name": "Presale", "url": "https://evil.example/"}
    found = read(LEAST | {"sales": {"presales": [presale]}})
    assert found.sales[0].url is None
    assert found.oddities == (Oddity("bad_url", "$.sales.presales[0].url"),)


def test_other_hosts_may_be_named() -> None:
    document = json.dumps(LEAST | {"url": "https://shop.example/x"}).encode()
    found = listing(document, NOON, hosts={"example": "livenation"})
    assert found.event.brand == "livenation"


def test_one_bad_time_harms_no_other_sale() -> None:
    presales = [
        {"name": "One", "startDateTime": "2027-03-02T18:00:00"},
        {"name": "Two presale", "startDateTime": "2027-03-02T18:00:00+01:00"},
        {"name": "Three presale", "startDateTime": "soon"},
    ]
    found = read(LEAST | {"sales": {"presales": presales}})
    starts = {sale.name: sale.start_at for sale in found.sales}
    assert starts.pop("Two presale") == datetime(2027, 3, 2, 17, tzinfo=UTC)
    assert starts == {"One": None, "Three presale": None}
    assert [oddity.place for oddity in found.oddities if oddity.code == "bad_time"] == [
        "$.sales.presales[0].startDateTime",
        "$.sales.presales[2].startDateTime",
    ]


@pytest.mark.parametrize("flag", ["startTBD", "startTBA"])
def test_a_start_that_is_flagged_is_unknown_whatever_stands_there(flag: str) -> None:
    public = {"startDateTime": "2027-03-05T18:00:00Z", flag: True}
    assert read(LEAST | {"sales": {"public": public}}).sales[0].start_at is None


def test_an_end_before_the_start_says_nothing() -> None:
    public = {"startDateTime": "2027-03-05T18:00:00Z", "endDateTime": "2027-03-05T17:00:00Z"}
    (sale,) = read(LEAST | {"sales": {"public": public}}).sales
    assert (sale.start_at is None, sale.end_at) == (False, None)


@pytest.mark.parametrize(
    ("code", "country"), [("us", "US"), ("CA", "CA"), ("USA", "ZZ"), ("XX", "XX"), (None, "ZZ")]
)
def test_a_country_has_two_letters_or_is_unknown(code: str | None, country: str) -> None:
    venue = {"country": {"countryCode": code}}
    assert read(LEAST | {"_embedded": {"venues": [venue]}}).event.country == country


def test_an_artist_without_a_name_is_still_known_by_the_id() -> None:
    attractions = [{"id": "A1"}, {"name": "Gannet"}, {}]
    found = read(LEAST | {"_embedded": {"attractions": attractions}})
    assert found.event.artists == (Artist(artist_id="A1"), Artist(name="Gannet"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("refused_key", "oauth.v2.InvalidApiKey"),
        ("not_found", "DIS1004"),
    ],
)
def test_either_envelope_of_an_error_is_no_event(name: str, said: str) -> None:
    with pytest.raises(Permanent, match=said) as refused:
        listing(answer(name), NOON)
    assert refused.value.code == "no_event"


def test_an_error_does_not_say_what_it_pleases() -> None:
    assert CANARY not in refusal({"errors": [{"code": CANARY}]})
    assert refusal({"fault": {"faultstring": CANARY}}).startswith("no_event: $.fault")


def test_another_event_than_was_asked_for_is_refused() -> None:
    document = json.dumps(LEAST).encode()
    assert listing(document, NOON, EventId("E1")).event.event_id == "E1"
    with pytest.raises(Permanent, match="wrong_event"):
        listing(document, NOON, EventId("e1"))


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "bad_json"),
        (b"<html>", "bad_json"),
        (b'{"id": "E1"', "bad_json"),
        (b"\xff", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b" " * (DOCUMENT_BYTES_MAX + 1), "too_large"),
        (b"[1]", "wrong_type"),
        (b"null", "missing_field"),
    ],
)
def test_what_is_no_document_is_refused(payload: bytes, code: str) -> None:
    with pytest.raises(Permanent) as refused:
        listing(payload, NOON)
    assert refused.value.code == code


anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters())
    | st.sampled_from(
        [
            *("E1", "https://www.ticketmaster.com", "../..", "America", "10:30+01:00"),
            *("2025-02-14T12:00:00Z", "9999-12-31T23:59Z", "0001-01-01T00:00+01:00"),
        ]
    ),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=6,
)


def places(document: object) -> list[tuple[str | int, ...]]:
    """The way to every value in a document."""
    inside: Mapping[str | int, object] = {}
    match document:
        case dict():
            inside = document
        case list():
            inside = dict(enumerate(document))
    return [(), *((step, *way) for step in inside for way in places(inside[step]))]


def changed(document: Any, way: tuple[str | int, ...], value: object) -> object:
    if not way:
        return value
    document = copy.copy(document)
    document[way[0]] = changed(document[way[0]], way[1:], value)
    return document


def outcome(document: object) -> str:
    try:
        sales = read(document).sales
    except Permanent as refused:
        return refused.detail
    return "$ read" if len({sale.sale_id for sale in sales}) == len(sales) else "an id twice"


@given(way=st.sampled_from(places(FULL)), value=anything)
def test_any_document_is_read_or_refused_by_its_place(
    way: tuple[str | int, ...], value: object
) -> None:
    assert outcome(changed(FULL, way, value)).startswith("$")


@given(extra=st.dictionaries(st.text(max_size=5).map("x-{}".format), anything))
def test_what_we_do_not_know_is_passed_over(extra: dict[str, object]) -> None:
    assert read(FULL | extra) == read(FULL)
