"""A scenario's people on any profile: no world, no faults, only the rows and their engines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final

from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkState, link_state
from demand_core.errors import Transient, WiringError
from demand_core.ports.event_cache import EventCache
from entrypoints.loops import Loop
from entrypoints.profiles import Profile
from entrypoints.serving import Service
from entrypoints.simulation.scenarios import Act

# At most what a message may be put off for, so that nothing waits much longer than it must.
PAUSE: Final = timedelta(seconds=30)
PAUSES_MAX: Final = 1000


def replay(
    acts: Iterable[Act],
    start: datetime,
    service: Service,
    pass_time: Callable[[timedelta], None],
) -> Mapping[str, str]:
    """What became of each event: its link, or the word for what it is without one.

    Between the acts, and after them until all is settled, every loop turns as long as it finds
    something; *pass_time* moves the clocks of all engines.
    """
    events = Profile(service.settings, service.engines, **service.instead).events
    loops, passed, ids = service.loops(), timedelta(0), dict[EventId, None]()
    for after, together in groupby(sorted(acts, key=attrgetter("after")), attrgetter("after")):
        pass_time(after - passed)
        passed = after
        cached = [act.event(start) for act in together]
        if events.refresh(cached):
            raise WiringError("somebody outside lost a write, and nothing was set against them")
        ids |= dict.fromkeys(event.event_id for event in cached)
        _turn(loops)
    for _ in range(PAUSES_MAX):
        found = _outcome(events, list(ids))
        if LinkState.WANTED.value not in found.values():
            return found
        pass_time(PAUSE)
        _turn(loops)
    raise WiringError(f"{service.engines} are not done after {PAUSES_MAX * PAUSE}")


def _turn(loops: Sequence[Loop]) -> None:
    """Let every loop do what there is until none finds anything."""
    while sum(_step(loop) for loop in loops):
        pass


def _step(loop: Loop) -> bool:
    try:
        return loop.step()
    except Transient:
        return False


def _outcome(events: EventCache, ids: Sequence[EventId]) -> Mapping[str, str]:
    found = events.get_many(ids)
    return {
        event_id: event.short_url or "" if state is LinkState.LINKED else state.value
        for event_id, event in found.items()
        for state in [link_state(event)]
    }
