"""Why we stay silent: each reason alone, all of them together, and none where none applies."""

from itertools import chain, combinations
from typing import Any, Final

import pytest
from attrs import evolve

from demand_adapters.testing.strategies import an_event
from demand_core.domain.artists import Artist
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.sales import ListedSale, Sale, presales, public_sale
from demand_core.domain.segments import MUSIC, THEATRE, Segment
from demand_core.domain.suppression import (
    EVENT_RULES,
    SALE_RULES,
    Silence,
    Suppression,
    SuppressionPolicy,
    event_silences,
    silences,
)

E1: Final = EventId("E1")
POLICY: Final = SuppressionPolicy()
LISTED: Final = SuppressionPolicy(artist_ids=frozenset({"A2"}))
SHOW: Final = an_event(segment=MUSIC, artists=(Artist(artist_id="A1", name="Gannet"),))

# For each reason what makes an event have it.
TROUBLES: Final[dict[Suppression, dict[str, Any]]] = {
    Suppression.ARTIST: {"artists": (*SHOW.artists, Artist(artist_id="A2"))},
    Suppression.COUNTRY: {"country": "MX"},
    Suppression.SEGMENT: {"segment": Segment(segment_id="KZFzniwnSyZfZ7v7nE", name="Sports")},
    Suppression.STATUS: {"status": "canceled"},
    Suppression.TEST: {"is_test": True},
}


def a_presale(name: str) -> Sale:
    (sale,) = presales(E1, [ListedSale(name=name)])
    return sale


PUBLIC: Final = public_sale(E1, ListedSale())


def reasons(event: Event, sale: Sale, policy: SuppressionPolicy = POLICY) -> list[Suppression]:
    return [silence.reason for silence in silences(event, sale, policy)]


def test_every_reason_has_its_rule() -> None:
    assert [*EVENT_RULES, *SALE_RULES] == list(Suppression)
    assert list(TROUBLES) == list(EVENT_RULES)


@pytest.mark.check("REQ-005")
@pytest.mark.parametrize(
    "several",
    [*chain.from_iterable(combinations(TROUBLES, n) for n in range(len(TROUBLES) + 1))],
    ids=lambda several: "+".join(reason.value for reason in several) or "none",
)
@pytest.mark.parametrize("name", ["Presale", "Registration"])
def test_every_reason_that_applies_is_given(
    several: tuple[Suppression, ...], name: str
) -> None:
    troubled = {k: v for reason in several for k, v in TROUBLES[reason].items()}
    event = evolve(SHOW, **troubled)
    of_event = [silence.reason for silence in event_silences(event, LISTED)]
    assert of_event == list(several)
    of_sale = [Suppression.REGISTRATION_SALE] if name == "Registration" else []
    assert reasons(event, a_presale(name), LISTED) == of_event + of_sale


def test_a_reason_says_what_it_was() -> None:
    event = evolve(SHOW, **TROUBLES[Suppression.ARTIST], status="postponed")
    assert list(silences(event, a_presale("Fan Registration"), LISTED)) == [
        Silence(Suppression.ARTIST, "A2"),
        Silence(Suppression.STATUS, "postponed"),
        Silence(Suppression.REGISTRATION_SALE, "registration"),
    ]


@pytest.mark.parametrize("status", ["onsale", "offsale", "rescheduled", "unknown"])
def test_only_a_show_that_will_not_take_place_is_silenced_by_its_status(status: str) -> None:
    assert reasons(evolve(SHOW, status=status), PUBLIC) == []


@pytest.mark.check("N-R15")
@pytest.mark.parametrize(
    ("segment", "silent"),
    [
        (MUSIC, False),
        (THEATRE, False),
        (Segment(name="arts & theatre"), False),
        (Segment(segment_id=MUSIC.segment_id, name="Musique"), False),
        (Segment(segment_id="another", name="Music"), True),
        (Segment(name="Theater"), True),
        (Segment(name="Film"), True),
        (Segment(), True),
    ],
)
def test_music_and_theatre_are_told_by_id_and_without_one_by_name(
    segment: Segment, *, silent: bool
) -> None:
    expected = [Suppression.SEGMENT] if silent else []
    assert reasons(evolve(SHOW, segment=segment), PUBLIC) == expected


@pytest.mark.check("N-R15")
def test_other_segments_are_silent_unless_configured() -> None:
    sports = evolve(SHOW, **TROUBLES[Suppression.SEGMENT])
    wider = SuppressionPolicy(segments=(MUSIC, THEATRE, Segment(name="Sports")))
    by_id = SuppressionPolicy(segments=(sports.segment,))
    assert reasons(sports, PUBLIC) == [Suppression.SEGMENT]
    # A name is only asked where there is no id.
    assert reasons(sports, PUBLIC, wider) == [Suppression.SEGMENT]
    assert reasons(evolve(SHOW, segment=Segment(name="Sports")), PUBLIC, wider) == []
    assert reasons(sports, PUBLIC, by_id) == []
    assert all(not reasons(evolve(SHOW, segment=s), PUBLIC) for s in (MUSIC, THEATRE))


@pytest.mark.check("N-R14")
def test_other_countries_are_silent_until_configured() -> None:
    assert all(not reasons(evolve(SHOW, country=c), PUBLIC) for c in ("US", "CA"))
    mexico = evolve(SHOW, country="MX")
    assert reasons(mexico, PUBLIC) == [Suppression.COUNTRY]
    assert reasons(mexico, PUBLIC, SuppressionPolicy(countries=frozenset({"MX"}))) == []


def test_a_list_that_changes_reaches_an_event_that_was_cached_before() -> None:
    event = evolve(SHOW, **TROUBLES[Suppression.ARTIST])
    assert reasons(event, PUBLIC) == []
    assert reasons(event, PUBLIC, LISTED) == [Suppression.ARTIST]


@pytest.mark.check("N-UC4")
@pytest.mark.parametrize(
    "name",
    [
        "registration",
        "Verified Fan® REGISTRATION",
        "Pre-Registrations",
        "Inscription",
        "PRÉINSCRIPTIONS",
        "Ｒegistration",
        "Regis\u00adtration",
    ],
)
def test_a_registration_is_silent_and_the_other_sales_of_its_event_are_not(name: str) -> None:
    listed = [ListedSale(name=name), ListedSale(name="Verified Fan Presale")]
    found = [PUBLIC, *presales(E1, listed)]
    silent = {sale.name: reasons(SHOW, sale) for sale in found}
    assert silent.pop(name) == [Suppression.REGISTRATION_SALE]
    assert silent == {"Public sale": [], "Verified Fan Presale": []}


@pytest.mark.check("REQ-005")
def test_other_kinds_of_sale_are_silent_where_that_is_configured() -> None:
    policy = SuppressionPolicy(kinds=frozenset({SaleKind.CARD, SaleKind.PUBLIC}))
    assert reasons(SHOW, a_presale("Amex Presale"), policy) == [Suppression.SALE_KIND]
    assert reasons(SHOW, PUBLIC, policy) == [Suppression.SALE_KIND]
    assert reasons(SHOW, a_presale("Presale"), policy) == []
    assert reasons(SHOW, a_presale("Registration"), policy) == []


@pytest.mark.parametrize(
    ("name", "silent"),
    [("Crew SIGN-UP", True), ("sign up now", True), ("Design Upfront", False)],
)
def test_a_configured_keyword_is_found_as_a_word(name: str, *, silent: bool) -> None:
    policy = SuppressionPolicy(keywords=("Sign up", "", "®"))
    assert reasons(SHOW, a_presale(name), policy) == (
        [Suppression.REGISTRATION_SALE] if silent else []
    )
