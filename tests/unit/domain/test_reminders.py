"""What a reminder has to say is taken from the event and the sale, and from nowhere else."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.testing.strategies import an_event
from demand_core.domain.artists import Artist
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.domain.links import linked
from demand_core.domain.reminders import reminder_of
from demand_core.domain.sales import ListedSale, Sale, presales, public_sale
from demand_core.domain.wording import Reminder

STARTS: Final = datetime(2027, 3, 5, 18, tzinfo=UTC)
LEAD: Final = timedelta(minutes=30)
SHOW: Final = an_event(brand="livenation", artists=(Artist(artist_id="A1", name="Gannet"),))
PUBLIC: Final = public_sale(EventId("E1"), ListedSale(start_at=STARTS))


def told(event: Event = SHOW, sale: Sale = PUBLIC, locale: str | None = None) -> Reminder:
    reminder = reminder_of(event, sale, lead=LEAD, locale=locale)
    assert reminder is not None
    return reminder


def test_while_nobody_has_announced_a_start_there_is_nothing_to_say() -> None:
    assert reminder_of(SHOW, evolve(PUBLIC, start_at=None), lead=LEAD) is None


@pytest.mark.check("N-R5")
def test_a_presale_is_called_by_its_name_and_a_public_sale_is_not() -> None:
    (presale,) = presales(EventId("E1"), [ListedSale(name="Radio 98.1", start_at=STARTS)])
    assert told(sale=presale).presale == "Radio 98.1"
    assert told().presale is None


def test_the_headliner_plays_and_without_one_the_event_says_who() -> None:
    assert told().artist == "Gannet"
    assert told(evolve(SHOW, artists=())).artist == SHOW.name
    assert told(evolve(SHOW, artists=(Artist(artist_id="A1"),))).artist == SHOW.name


def test_the_short_link_counts_while_it_stands_for_the_url() -> None:
    assert told().link == SHOW.url
    short = linked(SHOW, SHOW.url, "https://sho.rt/1")
    assert told(short).link == "https://sho.rt/1"
    moved = evolve(short, url=f"{SHOW.url}2")
    assert told(moved).link == moved.url


def test_the_locale_is_the_events_unless_another_is_asked_for() -> None:
    assert told().locale == SHOW.locale
    assert told(locale="fr-ca").locale == "fr-ca"
