"""The laws of the table. Each answers what is wrong with some rows; none means they are sound.

How could a row be wrong, and which law says so? A name twice, or one that no class answers to:
`names_are_unique`, `workers_are_there`. A field nobody fills, a route that leads nowhere, a
channel with one end: `outlets_are_routed`, `channels_have_two_ends`. Bytes read as something
else than was written: `bodies_agree`. Limits that the sources refuse: `limits_hold`. A message
that comes back to where it began: `cycles_are_declared`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, get_args, get_origin, get_type_hints

import attrs

from demand_core.batch import Record
from demand_core.errors import WiringError
from demand_core.ports.outlet import Outlet
from demand_core.topology.shapes import (
    Changes,
    ChannelKind,
    Every,
    Queue,
    Request,
    Stream,
    Upload,
    Worker,
)

Rows: TypeAlias = Sequence[Worker]

TIMEOUT_MAX: Final = timedelta(seconds=300)
BATCH_MAX: Final[Mapping[type, int]] = {Queue: 10, Changes: 10, Stream: 10_000, Upload: 10}
KINDS: Final = {Queue: ChannelKind.QUEUE, Stream: ChannelKind.STREAM}
NAME: Final = re.compile(r"[a-z]+(_[a-z]+)+")
RECEIVES_MIN: Final = 10


def problems(rows: Rows) -> list[str]:
    """Everything that is wrong with *rows*, law by law."""
    return [f"{law.__name__}: {found}" for law in LAWS for found in law(rows)]


def names_are_unique(rows: Rows) -> Iterator[str]:
    """A row is found by its name, an old name by its subsystem."""
    for name in _twice(row.name for row in rows):
        yield f"{name} stands twice"
    for subsystem, origin in _twice((row.subsystem, row.origin) for row in rows):
        yield f"two rows of {subsystem} come from {origin}"
    for row in rows:
        if not NAME.fullmatch(row.name):
            yield f"{row.name} is no verb_object"
        if not row.about:
            yield f"{row.name} has no sentence about it"


def workers_are_there(rows: Rows) -> Iterator[str]:
    """Each name leads to an attrs class, in the folder of its subsystem."""
    for row in rows:
        work = _loaded(row)
        if work is None:
            yield f"{row.name}: nothing at {row.module}"
        elif not attrs.has(work):
            yield f"{row.name}: {work.__name__} is no attrs class"


def outlets_are_routed(rows: Rows) -> Iterator[str]:
    """Every Outlet field has its route, and no route is spare."""
    for row in rows:
        fields = _outlets(row).keys()
        for field in fields - row.outputs.keys():
            yield f"{row.name}.{field} leads nowhere"
        for field in row.outputs.keys() - fields:
            yield f"{row.name} has no outlet {field}"


def bodies_agree(rows: Rows) -> Iterator[str]:
    """What is written is what is read, and all triggers of a row give the same."""
    for row in rows:
        for field, body in _outlets(row).items():
            channel = row.outputs.get(field)
            if channel and channel.body is not body:
                carried = f"{channel.name} carries {_name(channel.body)}"
                yield f"{row.name}.{field} sends {_name(body)}, {carried}"
        given, wanted = {_given(trigger) for trigger in row.triggers}, _wanted(row)
        if not row.triggers:
            yield f"{row.name} is never woken"
        elif len(given) > 1:
            yield f"{row.name} is woken with {sorted(map(_name, given))}"
        elif wanted is None and _loaded(row):
            yield f"{row.name} does not say what it is called with"
        elif wanted is not None and given != {wanted}:
            yield f"{row.name} takes {_name(wanted)} and is given {_name(*given)}"


def channels_have_two_ends(rows: Rows) -> Iterator[str]:
    """Each channel is written and read; a queue by one row only, or messages would be split."""
    ends = [channel for row in rows for channel in (*row.outputs.values(), *_read(row))]
    channels = {channel.name: channel for channel in ends}
    for name in sorted({end.name for end in ends if end != channels[end.name]}):
        yield f"{name} is said to be two different channels"
    written = {channel.name for row in rows for channel in row.outputs.values()}
    readers = Counter(channel.name for row in rows for channel in _read(row))
    for row in rows:
        for trigger in row.triggers:
            wanted = KINDS.get(type(trigger))
            if isinstance(trigger, Queue | Stream) and trigger.channel.kind is not wanted:
                yield f"{row.name} reads {trigger.channel.name} as what it is not"
    for name, channel in channels.items():
        parted = channel.partition in get_type_hints(channel.body)
        if parted is not (channel.kind is ChannelKind.STREAM):
            yield f"{name} is parted by {channel.partition!r}"
        if name not in written and not channel.written_outside:
            yield f"nobody writes {name}"
        if name not in readers and not channel.read_outside:
            yield f"nobody reads {name}"
        if readers[name] > 1 and any(isinstance(t, Queue) for t in _triggers_on(rows, name)):
            yield f"{readers[name]} rows read {name}"


def limits_hold(rows: Rows) -> Iterator[str]:
    """What Lambda and the sources would refuse, and receives so few that they become a rule."""
    for row in rows:
        if not timedelta(0) < row.timeout <= TIMEOUT_MAX:
            yield f"{row.name} runs {row.timeout}, of at most {TIMEOUT_MAX}"
        if row.retry.max_receive < RECEIVES_MIN:
            yield f"{row.name} gives a message up after {row.retry.max_receive} receives"
        if row.retry.backoff <= timedelta(0):
            yield f"{row.name} has no back-off"
        for trigger in row.triggers:
            most = BATCH_MAX.get(type(trigger), 1)
            if type(trigger) in BATCH_MAX and not 0 < row.batch_max <= most:
                yield f"{row.name} takes {row.batch_max} at once, of at most {most}"


def cycles_are_declared(rows: Rows) -> Iterator[str]:
    """A row whose messages lead back to it says so."""
    follows = {
        row.name: {
            reader.name
            for channel in row.outputs.values()
            for reader in rows
            if channel in _read(reader)
        }
        for row in rows
    }
    for row in rows:
        reached, ahead = set[str](), set(follows[row.name])
        while ahead:
            name = ahead.pop()
            reached.add(name)
            ahead |= follows[name] - reached
        if (row.name in reached) is not row.loops:
            yield f"{row.name} loops" + ("" if row.name in reached else " only on paper")


Law: TypeAlias = Callable[[Rows], Iterator[str]]
LAWS: Final[tuple[Law, ...]] = (
    names_are_unique,
    workers_are_there,
    outlets_are_routed,
    bodies_agree,
    channels_have_two_ends,
    limits_hold,
    cycles_are_declared,
)


def _twice(names: Iterator[Any]) -> list[Any]:
    return [name for name, times in Counter(names).items() if times > 1]


def _name(kind: object) -> str:
    return getattr(kind, "__name__", str(kind))


def _loaded(row: Worker) -> type | None:
    try:
        return row.load()
    except WiringError:
        return None


def _outlets(row: Worker) -> Mapping[str, type]:
    hints = get_type_hints(_loaded(row) or object)
    return {
        name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is Outlet
    }


def _wanted(row: Worker) -> object:
    """What the worker is called with: the body of its records, a time, or a request."""
    work = _loaded(row)
    if work is None:
        return None
    hints = get_type_hints(work.__call__)
    hints.pop("return", None)
    first = next(iter(hints.values()), None)
    if get_origin(first) is Sequence and get_origin(get_args(first)[0]) is Record:
        return get_args(get_args(first)[0])[0]
    return first


def _given(trigger: object) -> object:
    match trigger:
        case Every():
            return datetime
        case Queue() | Stream() | Changes() | Upload() | Request():
            return trigger.body
    raise WiringError(f"{trigger!r} is no trigger")


def _read(row: Worker) -> list[Any]:
    return [t.channel for t in row.triggers if isinstance(t, Queue | Stream)]


def _triggers_on(rows: Rows, channel: str) -> Iterator[object]:
    for row in rows:
        for trigger in row.triggers:
            if isinstance(trigger, Queue | Stream) and trigger.channel.name == channel:
                yield trigger
