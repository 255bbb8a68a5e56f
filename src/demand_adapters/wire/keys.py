"""The keys of the table and of its indexes: one row a shape, both ways derived from it.

A pattern is literal text and parts: `{eventId}` is a part spelled as its name says,
`{dueAt:instant}` one that is spelled as another. No part may hold the text that follows it, so
reading splits at the first place where that text stands.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from string import Formatter
from typing import Final

from attrs import field, frozen

from demand_core.domain.ids import SHARDS, SPELLINGS, whole
from demand_core.errors import Permanent, WiringError

Key = tuple[str, str]
Fullmatch = Callable[[str], re.Match[str] | None]


@frozen
class Shape:
    """How one kind of item is called in the table; `type.VARIANT` where a type has several."""

    name: str
    pk: str
    sk: str
    archived: bool = field(default=False, kw_only=True)

    @property
    def kind_of_item(self) -> str:
        """The item's `type`."""
        return self.name.partition(".")[0]


@frozen
class IndexShape:
    """How one kind of entry is called in an index."""

    name: str
    index: str
    partition: str
    range: str


SHAPES: Final = (
    Shape("event", "event:{eventId}", "event", archived=True),
    Shape("sale", "event:{eventId}", "sale#{saleId}", archived=True),
    Shape("demand", "fan:{fanId}", "evt#{eventId}#{saleId:demandSaleId}", archived=True),
    Shape("notification.REMINDER", "fan:{fanId}", "ntf#{saleId}#{channel}", archived=True),
    Shape(
        "notification.NOTICE",
        "fan:{globalUserId}",
        "asu#{campaignId}-{marketId}#reminder",
        archived=True,
    ),
    Shape("notification.WAVE", "fan:{globalUserId}", "wav#{waveId}#{channel}", archived=True),
    Shape("entry", "fan:{globalUserId}", "asu#{campaignId}#entry"),
    Shape("selection", "fan:{globalUserId}", "asu#{campaignId}-{marketId}#selection"),
    Shape("contactGuard", "contact:{contactHash:keyedHash}", "sale#{saleId}#{channel}"),
    Shape("optOut", "contact:{contactHash:keyedHash}", "optout#{channel}"),
    Shape("tombstone", "erased:{subjectHash:keyedHash}", "erased"),
    Shape("erasure.JOB", "erasure:{erasureId}", "job"),
    Shape("erasure.STEP", "erasure:{erasureId}", "step#{nnnn}"),
    Shape("selectionRun", "campaign:{campaignId}", "selection#{marketId}#{runId}"),
    Shape("selectionLock", "campaign:{campaignId}", "selection#{marketId}"),
    Shape("wave", "wave:{waveId}", "wave"),
    Shape("waveCode", "wave:{waveId}", "code#{globalUserId}"),
    Shape("prepRun", "campaign:{campaignId}", "prep#{dateKey}"),
    Shape("rate", "rate:{sender}", "rate"),
    Shape("watermark", "watermark:{name:watermark}", "watermark"),
    Shape("run", "run:{worker}", "{runId}"),
    Shape("parkedReport", "parked:{provider}#{messageId}", "{at:instant}#{digest}"),
    Shape("layout", "layout", "layout"),
)

INDEX_SHAPES: Final = (
    IndexShape("sale", "byTime", "sale#{hour}", "{startAt:instant}#{saleId}"),
    # A parked report waits here too, with the digest of its key in the notification's place.
    IndexShape("due", "byTime", "due#{shard}", "{dueAt:instant}#{notificationId}"),
    IndexShape("fresh", "byTime", "fresh#{shard}", "{refreshAt:instant}#{eventId}"),
    IndexShape(
        "flag", "byTime", "flag#{shard}", "{flaggedAt:instant}#{campaignId}#{globalUserId}"
    ),
    IndexShape(
        "ask", "byGroup", "ask#{saleId:demandSaleId}#{shard}", "{requestedAt:instant}#{fanId}"
    ),
    IndexShape("sent", "byGroup", "sent#{subject}#{shard}", "{fanId}#{channel}"),
    IndexShape("entry", "byGroup", "entry#{campaignId}#{shard}", "{globalUserId}"),
    IndexShape("sel", "byGroup", "sel#{campaignId}-{marketId}#{shard}", "{globalUserId}"),
    IndexShape("erasure", "byGroup", "erasures", "{erasureId}"),
    # These two indexes have the item's own SK as their range.
    IndexShape("reference", "byId", "n#{notificationId}", "{SK:notificationSK}"),
    IndexShape("code", "byId", "code#{campaignId}#{code}", "{SK:selectionSK}"),
    IndexShape("message", "byMessage", "{provider}#{providerMessageId}", "{SK:notificationSK}"),
)

ARCHIVED: Final = frozenset(shape.kind_of_item for shape in SHAPES if shape.archived)

_HOUR: Final = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3])"
_MESSAGE: Final = "[A-Za-z0-9._:=@+/-]{1,128}"

# What stands in keys and is no id of the domain.
_SPELLINGS: Final[Mapping[str, str]] = {
    **SPELLINGS,
    "channel": "sms|email",
    "digest": "[0-9a-f]{32}",
    "hour": _HOUR,
    "instant": rf"{_HOUR}:[0-5][0-9]:[0-5][0-9]\.[0-9]{{3}}Z",
    "keyedHash": r"[A-Za-z0-9_-]{1,32}\.[0-9a-f]{32}",
    "messageId": _MESSAGE,
    "nnnn": "[0-9]{4,6}",
    "provider": "[a-z0-9][a-z0-9_-]{0,39}",
    "providerMessageId": _MESSAGE,
    "sender": "[A-Za-z0-9+_-]{1,64}",
    "shard": f"[{SHARDS}]",
    "subject": "{saleId}|{campaignId}-{marketId}|{waveId}".format(**SPELLINGS),
    "watermark": "[A-Za-z0-9][A-Za-z0-9_/-]{0,127}",
    "worker": "[a-z][a-z0-9_]{0,63}",
}


def _pieces(pattern: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The literal at the head, then every part, its alphabet and the literal behind it."""
    parsed = list(Formatter().parse(pattern))
    tails = [*(literal for literal, *_ in parsed[1:]), ""]
    return parsed[0][0], [
        (part, spelled or part, tail)
        for (_, part, spelled, _), tail in zip(parsed, tails, strict=True)
        if part
    ]


def _any_sk(kind_of_item: str) -> str:
    """The spelling of every SK of one type."""
    return "|".join(
        head + "".join(f"(?:{_SPELLINGS[alphabet]}){tail}" for _, alphabet, tail in pieces)
        for head, pieces in (_pieces(s.sk) for s in SHAPES if s.kind_of_item == kind_of_item)
    )


PARTS: Final[Mapping[str, re.Pattern[str]]] = {
    **{name: whole(spelling) for name, spelling in _SPELLINGS.items()},
    **{f"{kind}SK": whole(_any_sk(kind)) for kind in ("notification", "selection")},
}


@frozen
class _Half:
    """One pattern, ready for use both ways."""

    template: str
    head: str
    slots: tuple[tuple[str, Fullmatch, str], ...]

    @classmethod
    def of(cls, pattern: str) -> "_Half":
        head, pieces = _pieces(pattern)
        template = head + "".join(f"%({part})s{tail}" for part, _, tail in pieces)
        return cls(
            template, head, tuple((p, PARTS[a].fullmatch, tail) for p, a, tail in pieces)
        )

    def filled(self, parts: dict[str, str]) -> str:
        for part, fullmatch, _ in self.slots:
            value: object = parts[part]
            if type(value) is not str:
                if not isinstance(value, str):
                    raise Permanent("bad_id", part)
                # A text enum: what `%` would print is its `str()`, not the text checked here.
                parts[part] = value = str.__str__(value)
            if not fullmatch(value):
                raise Permanent("bad_id", part)
        return self.template % parts

    def read(self, text: str, parts: dict[str, str]) -> bool:
        """Put what *text* is made of into *parts*, if it is of this pattern."""
        if not text.startswith(self.head):
            return False
        start = len(self.head)
        for part, fullmatch, tail in self.slots:
            end = text.find(tail, start) if tail else len(text)
            if end < 0 or not fullmatch(value := text[start:end]):
                return False
            parts[part] = value
            start = end + len(tail)
        return start == len(text)


@frozen
class _Plan:
    """One shape, ready for use both ways."""

    name: str
    first: _Half
    second: _Half
    names: frozenset[str]

    @classmethod
    def of(cls, name: str, *patterns: str) -> "_Plan":
        first, second = map(_Half.of, patterns)
        return cls(name, first, second, frozenset(s[0] for s in first.slots + second.slots))


def _grouped(pairs: Iterable[tuple[str, _Plan]]) -> dict[str, list[_Plan]]:
    plans_by_group = dict[str, list[_Plan]]()
    for group, plan in pairs:
        plans_by_group.setdefault(group, []).append(plan)
    return plans_by_group


_PLANS: Final = {s.name: _Plan.of(s.name, s.pk, s.sk) for s in SHAPES}
_INDEX_PLANS: Final = {s.name: _Plan.of(s.name, s.partition, s.range) for s in INDEX_SHAPES}
_PLANS_BY_HEAD: Final = _grouped((s.pk.partition(":")[0], _PLANS[s.name]) for s in SHAPES)
_PLANS_BY_INDEX: Final = _grouped((s.index, _INDEX_PLANS[s.name]) for s in INDEX_SHAPES)


def build(shape_name: str, /, **parts: str) -> Key:
    """PK and SK of an item; Permanent for a part that is not spelled as it must be."""
    return _filled(_PLANS, shape_name, parts)


def spelled(shape_name: str, parts: Mapping[str, str], /) -> Key:
    """As `build`, of parts that were checked before."""
    plan = _PLANS[shape_name]
    return plan.first.template % parts, plan.second.template % parts


def build_index(shape_name: str, /, **parts: str) -> Key:
    """Partition and range of an index entry, refusing what `build` refuses."""
    return _filled(_INDEX_PLANS, shape_name, parts)


def build_partition(shape_name: str, /, **parts: str) -> str:
    """Partition of an index in which all entries with these parts lie."""
    return _INDEX_PLANS[shape_name].first.filled(parts)


def _filled(plans: Mapping[str, _Plan], name: str, parts: dict[str, str]) -> Key:
    plan = plans.get(name)
    if plan is None or parts.keys() != plan.names:
        raise WiringError(f"no key {name!r} of {sorted(parts)}")
    return plan.first.filled(parts), plan.second.filled(parts)


def parse(key: Key, /) -> tuple[str, dict[str, str]] | None:
    """The shape of *key* and its parts, None when it is no key of ours."""
    return _read(_PLANS_BY_HEAD.get(key[0].partition(":")[0], ()), key)


def parse_index(index: str, entry: Key, /) -> tuple[str, dict[str, str]] | None:
    """As `parse`, for an entry of one index: two indexes may have the same entry."""
    return _read(_PLANS_BY_INDEX.get(index, ()), entry)


def _read(plans: Iterable[_Plan], key: Key) -> tuple[str, dict[str, str]] | None:
    # The second half first: it tells shapes apart where the first is the same for all.
    for plan in plans:
        parts: dict[str, str] = {}
        if plan.second.read(key[1], parts) and plan.first.read(key[0], parts):
            return plan.name, parts
    return None
