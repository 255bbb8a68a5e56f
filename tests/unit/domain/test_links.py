"""The link of an event, through any sequence of look-ups, calls and answers."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, an_event
from demand_core.domain.events import Event, recached
from demand_core.domain.links import (
    LinkPolicy,
    LinkState,
    after_failed_call,
    given_up,
    link_state,
    linked,
)

CALLS_MAX: Final = 3
HERE: Final = "https://tickets.example/a"
THERE: Final = "https://tickets.example/b"

Step: TypeAlias = Callable[[Event], Event]

urls = st.sampled_from([HERE, THERE, "https://tickets.example/c"])


def at_here() -> Event:
    return an_event(url=HERE)


def looked_up(url: str) -> Step:
    def step(event: Event) -> Event:
        later = event.cached_at + timedelta(hours=1)
        return recached(event, an_event(url=url, cached_at=later))

    return step


def answered(url: str, short_url: str) -> Step:
    return lambda event: linked(event, url, short_url)


def failed(url: str) -> Step:
    return lambda event: after_failed_call(event, url, NOON, CALLS_MAX)


def after(event: Event, steps: Sequence[Step]) -> Event:
    for step in steps:
        event = step(event)
    return event


# Any short link may be answered: nothing here leans on a shortener that repeats itself.
short_urls = st.integers(0, 9).map(lambda n: f"https://sho.rt/{n}")
steps = st.lists(
    st.one_of(
        st.builds(looked_up, urls),
        st.builds(answered, urls, short_urls),
        st.builds(failed, urls),
    ),
    max_size=30,
)


def link_of(event: Event) -> str | None:
    return event.short_url if link_state(event) is LinkState.LINKED else None


@given(steps=steps)
def test_while_an_event_keeps_its_url_its_link_never_changes(steps: list[Step]) -> None:
    event = at_here()
    for step in steps:
        before, event = event, step(event)
        if link_of(before) and event.url == before.url:
            assert link_of(event) == link_of(before)


@given(steps=steps)
def test_a_link_is_shown_only_for_the_url_that_it_was_made_for(steps: list[Step]) -> None:
    event = at_here()
    for step in steps:
        event = step(event)
        if link_of(event):
            assert event.short_url_for == event.url


@given(steps=steps)
def test_no_step_ever_touches_the_url_but_a_look_up(steps: list[Step]) -> None:
    event = after(at_here(), steps)
    for url in (HERE, THERE):
        assert linked(event, url, "https://sho.rt/1").url == event.url
        assert after_failed_call(event, url, NOON, CALLS_MAX).url == event.url


@given(turns=st.lists(st.tuples(urls, st.integers(0, 4)), max_size=8))
def test_failed_calls_count_for_the_present_url_alone(turns: list[tuple[str, int]]) -> None:
    event = at_here()
    counted = 0
    for url, calls in turns:
        counted = counted if url == event.url else 0
        event = looked_up(url)(event)
        event = failed(THERE if url == HERE else HERE)(event)
        event = after(event, [failed(url)] * calls)
        counted = min(counted + calls, CALLS_MAX)
        assert event.link_attempts == counted
        assert (link_state(event) is LinkState.FAILED) is (counted == CALLS_MAX)


@pytest.mark.parametrize("calls_max", [1, 2, 3, 10])
def test_a_url_is_given_up_at_exactly_so_many_failed_calls(calls_max: int) -> None:
    event = at_here()
    for number in range(1, calls_max + 1):
        assert link_state(event) is LinkState.WANTED
        event = after_failed_call(event, HERE, NOON + timedelta(minutes=number), calls_max)
        assert event.link_attempts == number
    assert link_state(event) is LinkState.FAILED
    assert event.link_failed_at == NOON + timedelta(minutes=calls_max)


def test_unless_somebody_says_otherwise_there_are_three_calls_in_all() -> None:
    assert LinkPolicy() == LinkPolicy(calls_max=3)


def test_no_call_is_counted_once_a_url_is_linked_or_given_up() -> None:
    has_link = answered(HERE, "https://sho.rt/1")(at_here())
    lost = after(at_here(), [failed(HERE)] * CALLS_MAX)
    assert failed(HERE)(has_link) is has_link
    assert failed(HERE)(lost) is lost


def test_an_event_that_returns_to_its_old_url_has_its_old_link() -> None:
    event = after(at_here(), [answered(HERE, "https://sho.rt/1"), looked_up(THERE)])
    assert link_state(event) is LinkState.WANTED
    event = after(event, [failed(THERE)] * CALLS_MAX)
    assert link_state(event) is LinkState.FAILED
    assert link_of(looked_up(HERE)(event)) == "https://sho.rt/1"


def test_a_link_that_comes_after_the_url_was_given_up_is_still_welcome() -> None:
    event = after(at_here(), [failed(HERE)] * CALLS_MAX)
    event = answered(HERE, "https://sho.rt/1")(event)
    assert link_of(event) == "https://sho.rt/1"
    assert event.link_failed_at is None


@pytest.mark.parametrize("step", [answered(THERE, "https://sho.rt/1"), failed(THERE)])
def test_an_answer_for_another_url_leaves_the_event_as_it_is(step: Step) -> None:
    event = at_here()
    assert step(event) is event


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_link_is_no_link(empty: str | None) -> None:
    event = an_event(short_url=empty, short_url_for=HERE)
    assert link_state(event) is LinkState.WANTED


@given(one=steps, two=steps)
def test_a_url_is_announced_under_one_key_whatever_happened_before(
    one: list[Step], two: list[Step]
) -> None:
    first, second = after(at_here(), one), after(at_here(), two)
    same = first.url == second.url
    assert (given_up(first).key == given_up(second).key) is same


def test_two_events_with_one_url_are_announced_apart() -> None:
    twin = an_event(2, url=HERE)
    assert given_up(twin).key != given_up(at_here()).key


def test_the_alert_tells_people_which_event_and_how_many_calls() -> None:
    alert = given_up(after(at_here(), [failed(HERE)] * CALLS_MAX))
    assert "event E1 after 3 calls" in alert.summary
    assert "fall back" in alert.summary
    assert HERE not in alert.key + alert.summary
