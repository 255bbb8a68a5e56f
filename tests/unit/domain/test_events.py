"""An event that is looked up again: what the look-up may say, and what it never touches."""

from datetime import timedelta
from typing import Final

import attrs
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, an_event
from demand_core.domain.events import Event, EventDates, recached

KEPT: Final = {"short_url", "short_url_for", "link_attempts", "link_failed_at", "dates"}
BOOKS: Final = {"cached_at", "refresh_at"}

# Few values of each field, so that two look-ups of one event are often alike.
instants = st.integers(0, 10**6).map(lambda seconds: NOON + timedelta(seconds=seconds))
urls = st.sampled_from(["https://tickets.example/a", "https://tickets.example/b"])
events = st.builds(
    an_event,
    name=st.sampled_from(["The Band", "The Other Band"]),
    url=urls,
    country=st.sampled_from(["US", "CA"]),
    status=st.sampled_from(["onsale", "canceled"]),
    cached_at=instants,
    time_zone=st.sampled_from([None, "America/New_York"]),
    refresh_at=st.none() | instants,
    short_url=st.sampled_from([None, "https://sho.rt/1", "https://sho.rt/2"]),
    short_url_for=st.none() | urls,
    link_attempts=st.integers(0, 3),
    link_failed_at=st.none() | instants,
    dates=st.builds(EventDates, first_seen=instants, updated=instants),
)


def said(event: Event) -> dict[str, object]:
    """What the look-up says of an event."""
    every = {f.name: getattr(event, f.name) for f in attrs.fields(Event)}
    return {name: value for name, value in every.items() if name not in KEPT | BOOKS}


def test_an_event_is_first_seen_when_it_is_first_cached() -> None:
    assert an_event().dates == EventDates(first_seen=NOON, updated=NOON)


@given(known=events, fresh=events)
def test_a_look_up_replaces_all_that_it_has_a_say_in(known: Event, fresh: Event) -> None:
    merged = recached(known, fresh)
    assert said(merged) == said(fresh)
    assert (merged.cached_at, merged.refresh_at) == (fresh.cached_at, fresh.refresh_at)


@given(known=events, fresh=events)
def test_a_look_up_has_no_say_in_links_and_first_sight(known: Event, fresh: Event) -> None:
    merged = recached(known, fresh)
    assert (merged.short_url, merged.short_url_for) == (known.short_url, known.short_url_for)
    assert merged.dates.first_seen == known.dates.first_seen


@given(known=events, fresh=events)
def test_failed_calls_are_kept_for_the_same_url_and_forgotten_for_another(
    known: Event, fresh: Event
) -> None:
    merged = recached(known, fresh)
    same = (known.link_attempts, known.link_failed_at)
    assert (merged.link_attempts, merged.link_failed_at) == (
        same if known.url == fresh.url else (0, None)
    )


@given(known=events, fresh=events)
def test_an_event_is_updated_only_when_it_says_something_else(
    known: Event, fresh: Event
) -> None:
    updated = fresh.cached_at if said(fresh) != said(known) else known.dates.updated
    assert recached(known, fresh).dates.updated == updated


@given(known=events, fresh=events)
def test_the_same_look_up_twice_is_as_good_as_once(known: Event, fresh: Event) -> None:
    once = recached(known, fresh)
    assert recached(once, fresh) == once


def test_a_refresh_that_changes_nothing_still_shows_that_it_was_made() -> None:
    known = an_event()
    fresh = evolve(known, cached_at=NOON + timedelta(hours=12))
    merged = recached(known, fresh)
    assert merged == evolve(known, cached_at=fresh.cached_at)
    assert merged != known
