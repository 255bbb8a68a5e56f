"""What must hold of a whole world, read from what its engines and services saw.

No checker asks a worker's own records how it went: they read the table's feed, the services'
histories and the calls that were witnessed.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, Final

from demand_adapters.item_table import Body, Change, Key
from entrypoints.simulation.world import World

WITNESSED: Final = frozenset({("table", "get_many"), ("shortener", "shorten")})


def changes(world: World) -> list[Change]:
    """Every change that was ever made, in the order in which they were made."""
    table = world.engines.table
    made = [
        change for s in table.shards() for change in table.read(s.name, None, 1_000_000_000)
    ]
    return sorted(made, key=lambda change: change.sequence)


def events(world: World) -> Mapping[str, Body]:
    """The events as they stand, by id."""
    found = (item.body for item in world.engines.table.items())
    return {str(body["id"]): body for body in found if body["type"] == "event"}


def is_linked(event: Mapping[str, Any]) -> bool:
    """Whether the link is for the url that the event has."""
    return bool(event.get("shortUrl")) and event.get("shortUrlFor") == event["url"]


def unsettled_events(world: World) -> list[str]:
    """Events with neither a link for their url nor the mark that it was given up."""
    return [
        event_id
        for event_id, event in events(world).items()
        if not is_linked(event) and "linkFailedAt" not in event
    ]


def changed_links(world: World) -> list[str]:
    """Events that had two different links for one url, or lost one while keeping the url."""
    links = dict[tuple[str, str], str]()
    bad = dict[str, None]()
    for change in changes(world):
        old, new = change.old and change.old.body, change.new and change.new.body
        if not new or new["type"] != "event":
            continue
        event_id, url = str(new["id"]), str(new["url"])
        lost = old and old["url"] == url and is_linked(old) and not is_linked(new)
        link = str(new["shortUrl"]) if is_linked(new) else None
        if lost or (link and links.setdefault((event_id, url), link) != link):
            bad[event_id] = None
    return list(bad)


def wrong_links(world: World) -> list[str]:
    """Events whose link is not the one that the shortener gave for their url."""
    given = {call.url: call.answer for call in world.engines.shortener.history}
    return [
        event_id
        for event_id, event in events(world).items()
        if is_linked(event) and given.get(str(event["url"])) != event["shortUrl"]
    ]


def late_calls(world: World) -> list[str]:
    """Urls shortened by a run that had read their event after its link was stored."""
    owner = dict[str, Key]()
    stands = dict[Key, list[tuple[int, str]]]()
    for change in changes(world):
        event = change.new and change.new.body
        if event and event["type"] == "event":
            owner[str(event["url"])] = change.key
            linked = str(event["url"]) if is_linked(event) else ""
            stands.setdefault(change.key, []).append((change.sequence, linked))
    return list(_called_after(world, owner, stands))


def _called_after(
    world: World, owner: Mapping[str, Key], stands: Mapping[Key, list[tuple[int, str]]]
) -> Iterator[str]:
    """*stands* tells of each event from which write on it had a link for which url."""
    read = dict[tuple[int, Any], int]()
    for seen in world.seen:
        if seen.driver == "table":
            for key in seen.args[0]:
                read.setdefault((seen.invocation, key), seen.sequence)
        elif (key := owner.get(seen.args[0])) and (seen.invocation, key) in read:
            past = stands[key]
            place = bisect_right(past, read[seen.invocation, key], key=itemgetter(0))
            if place and past[place - 1][1] == seen.args[0]:
                yield seen.args[0]


def unexplained_failures(world: World) -> list[str]:
    """Events given up although fewer calls failed than the policy allows."""
    refused = world.faults.refused
    failed = Counter(args[0] for driver, _, args in refused if driver == "shortener")
    allowed = world.settings.link_calls_max
    return [
        event_id
        for event_id, event in events(world).items()
        if "linkFailedAt" in event and failed[str(event["url"])] < allowed
    ]


def unannounced_failures(world: World) -> list[str]:
    """Events given up of which nobody was told."""
    told = {key.split(":")[1] for key in world.engines.announcer.told}
    return [
        event_id
        for event_id, event in events(world).items()
        if "linkFailedAt" in event and event_id not in told
    ]


def dead_letters(world: World) -> list[str]:
    """Messages and records that were delivered too often: each is an incident."""
    dead = [
        d.record_id for queue in world.engines.queues.values() for d in queue.dead_letters()
    ]
    return [*dead, *(str(record.sequence) for record in world.given_up)]


def left_over(world: World) -> list[str]:
    """Queues in which something still waits."""
    return [name for name, queue in world.engines.queues.items() if queue.waiting()]
