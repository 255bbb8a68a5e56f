"""Which changes a row is woken by: its filter, and nothing but its filter."""

from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, an_event
from demand_adapters.wire.converters import camel, unstructured
from demand_core.domain.changes import ChangeKind
from demand_core.domain.events import Event, EventCached, recached
from demand_core.domain.links import after_failed_call, linked
from demand_core.topology import TOPOLOGY
from demand_core.topology.routing import Images, Route, change_queue, routes
from demand_core.topology.shapes import Changes

SPELLED: Final = {"name": "n", "cached_at": "cachedAt", "status": "s"}

kinds_of_item = st.sampled_from(["event", "sale", "demand"])
images = st.dictionaries(st.sampled_from(list(SPELLED.values())), st.sampled_from("012"))
filters = st.builds(
    Changes,
    kind=kinds_of_item,
    on=st.frozensets(st.sampled_from(ChangeKind)),
    body=st.just(EventCached),
    watching=st.lists(st.sampled_from(list(SPELLED)), unique=True).map(tuple),
    becoming=st.frozensets(st.sampled_from(["0", "1", "2"])),
)


def routed(wants: Changes) -> Route:
    (route,) = routes([evolve(TOPOLOGY[0], triggers=(wants,))], SPELLED.__getitem__)
    return route


def wanted(
    wants: Changes,
    kind_of_item: str,
    kind: ChangeKind,
    old: dict[str, str],
    new: dict[str, str],
) -> bool:
    """The filter's promise, word by word."""
    right_item = kind_of_item == wants.kind
    right_kind = kind in wants.on
    different = [n for n in wants.watching if old.get(SPELLED[n]) != new.get(SPELLED[n])]
    watched = not wants.watching or kind is not ChangeKind.MODIFY or bool(different)
    into = new.get(SPELLED[wants.watching[0]]) if wants.watching else None
    right_end = not wants.watching or not wants.becoming or into in wants.becoming
    return right_item and right_kind and watched and right_end


@given(
    wants=filters,
    kind_of_item=kinds_of_item,
    kind=st.sampled_from(ChangeKind),
    old=images,
    new=images,
)
def test_a_route_takes_exactly_what_its_row_asked_for(
    wants: Changes,
    kind_of_item: str,
    kind: ChangeKind,
    old: dict[str, str],
    new: dict[str, str],
) -> None:
    taken = routed(wants).takes(kind_of_item, kind, lambda: (old, new))
    assert taken is wanted(wants, kind_of_item, kind, old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"status": "onsale"}),
        ({"status": "onsale"}, {}),
        ({"status": "onsale"}, {"status": "canceled"}),
    ],
)
def test_a_watched_field_may_appear_vanish_or_change(
    old: dict[str, str], new: dict[str, str]
) -> None:
    route = Route("some_row", watching_status(), ("status",))
    assert route.takes("event", ChangeKind.MODIFY, lambda: (old, new))
    assert not route.takes("event", ChangeKind.MODIFY, lambda: (new, new))


def watching_status(on: ChangeKind = ChangeKind.MODIFY) -> Changes:
    return Changes(kind="event", on=frozenset({on}), body=EventCached, watching=("status",))


@pytest.mark.parametrize(
    ("kind_of_item", "on", "fields"),
    [
        ("sale", ChangeKind.MODIFY, ("status",)),
        (None, ChangeKind.MODIFY, ("status",)),
        ("event", ChangeKind.REMOVE, ("status",)),
        ("event", ChangeKind.MODIFY, ()),
    ],
)
def test_nobody_looks_at_the_images_before_they_can_decide(
    kind_of_item: str | None, on: ChangeKind, fields: tuple[str, ...]
) -> None:
    def images() -> Images:
        raise AssertionError("somebody looked")

    route = Route("some_row", watching_status(on), fields)
    assert route.takes(kind_of_item, ChangeKind.MODIFY, images) is (not fields)


def test_only_rows_woken_by_changes_have_a_route() -> None:
    found = {route.row for route in routes(TOPOLOGY, camel)}
    woken = {r.name for r in TOPOLOGY if any(isinstance(t, Changes) for t in r.triggers)}
    assert found == woken
    assert {"queue_short_urls", "follow_demand", "send_notifications"} <= found


def test_each_row_has_a_queue_of_its_own_for_its_changes() -> None:
    names = [change_queue(row.name) for row in TOPOLOGY]
    assert len(set(names)) == len(names)
    assert change_queue("queue_short_urls") == "queue_short_urls-changes"


def asks_for_a_link(old: Event | None, new: Event) -> bool:
    (route,) = routes([TOPOLOGY[0]], camel)
    kind = ChangeKind.MODIFY if old else ChangeKind.INSERT
    before = unstructured(old) if old else {}
    return route.takes("event", kind, lambda: (before, unstructured(new)))


def test_an_event_that_is_cached_or_looked_up_again_may_want_a_link() -> None:
    known = an_event()
    later = an_event(cached_at=NOON.replace(hour=18))
    assert asks_for_a_link(None, known)
    assert asks_for_a_link(known, recached(known, later))


def test_what_we_write_of_a_link_wakes_nobody_who_asks_for_links() -> None:
    known = an_event()
    assert not asks_for_a_link(known, linked(known, known.url, "https://sho.rt/1"))
    for calls_max in (1, 3):
        assert not asks_for_a_link(known, after_failed_call(known, known.url, NOON, calls_max))
