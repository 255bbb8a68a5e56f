"""The documents say what is there: their tables are the code's, their links lead somewhere."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

import attrs
import pytest

from demand_adapters.deliveries import Delivery
from demand_adapters.item_table import Change, Item
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.erasure_book import TOUCHED, an_erasure
from demand_adapters.testing.strategies import NOON, a_demand, a_notification, an_event
from demand_adapters.wire.attributes import OWN
from demand_adapters.wire.books import Guard, Rate, Watermark
from demand_adapters.wire.changes import encode_change
from demand_adapters.wire.converters import wire_names
from demand_adapters.wire.item_keys import (
    demand_key,
    erasure_key,
    erasure_step_key,
    event_key,
    guard_key,
    notification_key,
    opt_out_key,
    rate_key,
    sale_key,
    tombstone_key,
    watermark_key,
)
from demand_adapters.wire.items import (
    DEMAND,
    ERASURE,
    ERASURE_STEP,
    EVENT,
    GUARD,
    KINDS,
    NOTIFICATION,
    OPT_OUT,
    RATE,
    SALE,
    TOMBSTONE,
    WATERMARK,
)
from demand_adapters.wire.keys import INDEX_SHAPES, PARTS, SHAPES, parse, parse_index
from demand_core.domain.artists import Artist
from demand_core.domain.changes import ChangeKind
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.erasures import Erasure, ErasureState, Salt, Tombstone, Touched
from demand_core.domain.events import Event, EventDate, EventDates, EventStart
from demand_core.domain.ids import (
    ALPHABETS,
    SPELLINGS,
    DemandSaleId,
    ErasureId,
    EventId,
    FanId,
    NotificationId,
    SaleId,
    whole,
)
from demand_core.domain.links import LinkRequest
from demand_core.domain.merges import Manifest, MergedFile, MergeState, Source
from demand_core.domain.notifications import (
    Channel,
    Claim,
    DeliveryError,
    ErrorKind,
    MessageBody,
    Notification,
    NotificationKind,
    Timeline,
)
from demand_core.domain.opt_outs import Consent, ConsentSource, OptOut
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.sales import (
    Generation,
    GenerationState,
    ListedSale,
    Sale,
    SaleDates,
    public_sale,
)
from demand_core.domain.segments import Segment
from demand_core.domain.statuses import Status
from demand_core.domain.venues import Venue
from demand_core.errors import Permanent
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import Changes, Queue, Stream
from entrypoints.running import source_name
from entrypoints.setting_places import variable
from entrypoints.settings import FIELDS

Rows: TypeAlias = Sequence[Sequence[object]]

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
DOCUMENTS: Final = sorted(
    [*DOCS.rglob("*.md"), *(p for p in ROOT.glob("*.md") if p.stem in {"README", "CHANGELOG"})]
)
DECISIONS: Final = sorted((DOCS / "decisions").iterdir())
RECORDS: Final = (DOCS / "records.md").read_text(encoding="utf-8")

CAPTION: Final = re.compile(r"^\*([^*\n]+), checked:\*", re.MULTILINE)
BORDER: Final = re.compile(r"(?<!\\)\|")
FENCED: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN: Final = re.compile(r"`[^`\n]*`")
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE: Final = re.compile(r"[a-z]+:|#")
OUR_PATH: Final = re.compile(r"`((?:benchmarks|docs|locks|src|tests)/[^`\s]*)`")
MACHINE: Final = re.compile(
    r"(?<![\w.:/}-])/(?:etc|home|mnt|opt|private|root|tmp|usr|var|work|Users)\b|\b[A-Z]:\\|~/"
)
PACKAGE_HOST: Final = re.compile(
    r"pypi\.|pythonhosted|artifactory|jfrog|devpi|index-url|//[^\s/]+/simple\b", re.IGNORECASE
)

# What a field holds, in the words of the document.
WORDS: Final[Mapping[object, str]] = {
    bool: "boolean",
    str: "text",
    int: "integer",
    list: "list",
    datetime: "instant",
    tuple: "list",
    Mapping: "map",
    Channel: "channel",
    Claim: "map",
    Consent: "text",
    ConsentSource: "text",
    DemandDates: "map",
    Generation: "map",
    GenerationState: "text",
    SaleDates: "map",
    Salt: "text",
    SaleKind: "text",
    DemandSaleId: "demandSaleId",
    Email: "text",
    ErasureId: "erasureId",
    ErasureState: "text",
    ErrorKind: "text",
    EventDate: "map",
    EventDates: "map",
    EventStart: "map",
    Segment: "map",
    Venue: "map",
    EventId: "eventId",
    FanId: "fanId",
    MergedFile: "map",
    MergeState: "text",
    MessageBody: "text",
    NotificationId: "notificationId",
    NotificationKind: "text",
    Phone: "text",
    SaleId: "saleId",
    Status: "text",
    Timeline: "map",
}

HASHED: Final = f"k1.{'0' * 32}"

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)
each_decision = pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)


def table(caption: str) -> list[dict[str, str]]:
    """The rows under a caption of the records, each cell by the name of its column."""
    _, found, below = RECORDS.partition(f"*{caption}, checked:*")
    assert found, f"no table {caption}"
    lines = re.findall(r"(?:^\|.*\n)+", below, re.MULTILINE)[0].splitlines()
    head, _, *rows = [
        [cell.strip().strip("`").replace(r"\|", "|") for cell in BORDER.split(line)[1:-1]]
        for line in lines
    ]
    return [dict(zip(head, row, strict=True)) for row in rows]


def yes(answer: object) -> str:
    return "yes" if answer else "no"


def seconds(duration: timedelta) -> str:
    return f"{duration // timedelta(seconds=1)} seconds"


def fields(kind: type[attrs.AttrsInstance], prefix: str = "") -> Iterator[Sequence[str]]:
    """Wire name and type of each field of *kind*, and whether reading needs it."""
    hints, wire = get_type_hints(kind), wire_names(kind)
    for field in attrs.fields(kind):
        needed = field.default is attrs.NOTHING
        yield prefix + wire[field.name], WORDS[bare(hints[field.name])], yes(needed)


def bare(hint: Any) -> object:  # any type hint
    if get_origin(hint) not in {Union, UnionType}:
        return get_origin(hint) or hint
    (kind,) = (part for part in get_args(hint) if part is not type(None))
    return get_origin(kind) or kind


def written_today() -> Sequence[Item]:
    """One item of each kind that is written, in every index that it can be in."""
    event = an_event(refresh_at=NOON, has_demand=True)
    row = a_notification(provider="twin", provider_message_id="m1")
    rate = Rate(next_free_at=NOON, per_second=1)
    sale = public_sale(event.event_id, ListedSale(start_at=NOON))
    demand = a_demand()
    word = OptOut(state=Consent.OUT, at=NOON, source=ConsentSource.KEYWORD)
    guard = Guard(owner=row.notification_id, until=NOON)
    erasure = an_erasure()
    stone = Tombstone(erasure_id=erasure.erasure_id, at=NOON)
    return [
        SALE.item(sale_key(sale.sale_id), sale, None, NOON),
        DEMAND.item(demand_key(demand.ref), demand, None, NOON),
        OPT_OUT.item(opt_out_key(HASHED, Channel.SMS), word, None, NOON),
        GUARD.item(guard_key(HASHED, sale.sale_id, Channel.SMS), guard, None, NOON),
        EVENT.item(event_key(event.event_id), event, None, NOON),
        NOTIFICATION.item(notification_key(row.ref), row, None, NOON),
        RATE.item(rate_key("sms"), rate, None, NOON),
        ERASURE.item(erasure_key(erasure.erasure_id), erasure, None, NOON),
        ERASURE_STEP.item(erasure_step_key(erasure.erasure_id, 1), TOUCHED, None, NOON),
        TOMBSTONE.item(tombstone_key(HASHED), stone, None, NOON),
        WATERMARK.item(watermark_key("erasures"), Watermark(reached=1), None, NOON),
    ]


def shapes_written() -> frozenset[str]:
    parsed = [parse(item.key) for item in written_today()]
    return frozenset(found[0] for found in parsed if found)


def purposes() -> Rows:
    paths = (ROOT / "src").rglob("*.py")
    sources = "".join(path.read_text(encoding="utf-8") for path in paths)
    return [[p] for p in sorted(set(re.findall(r"[\"'](demand\.[a-z]+/\d+)[\"']", sources)))]


def added_by_the_store() -> Rows:
    event = an_event()
    body = EVENT.item(event_key(event.event_id), event, None, NOON).body
    own = wire_names(Event).values()
    return [(name, WORDS[type(value)]) for name, value in body.items() if name not in own]


def noted() -> Rows:
    change = Change(
        change_id="m1",
        sequence=1,
        at=NOON,
        kind=ChangeKind.REMOVE,
        key=event_key("E1"),
        old=None,
        new=None,
    )
    return [[name] for name in json.loads(encode_change(change))]


def set_aside() -> Rows:
    files = MemoryFileStore()
    record = Delivery(record_id="m1", payload=b"?")
    key = Quarantine(files=files).put("links", record, Permanent("bad_json"), NOON)
    return [[name] for name in json.loads(b"".join(files.read(key) or ()))]


def channels() -> Rows:
    """Every queue or stream that some row reads."""
    return sorted(
        [source_name(row.name, trigger)]
        for row in TOPOLOGY
        for trigger in row.triggers
        if isinstance(trigger, Changes | Queue | Stream)
    )


def settings() -> Rows:
    return [
        (variable(name), str(setting.default), setting.metadata["kind"].takes)
        for name, setting in FIELDS.items()
    ]


def workers() -> Rows:
    return [
        (
            row.name,
            str(row.batch_max),
            seconds(row.timeout),
            seconds(row.visibility),
            str(row.retry.max_receive),
            seconds(row.retry.backoff),
        )
        for row in TOPOLOGY
    ]


# For each table the columns that the code knows of, and what it says of them.
TABLES: Final[Mapping[str, tuple[str, Callable[[], Rows]]]] = {
    "Alphabets of ids": ("id, spelling", lambda: list(SPELLINGS.items())),
    "Key shapes": (
        "shape, PK, SK, archived, written today",
        lambda: [
            (s.name, s.pk, s.sk, yes(s.archived), yes(s.name in shapes_written()))
            for s in SHAPES
        ],
    ),
    "Index shapes": (
        "entry, index, partition, range",
        lambda: [(s.name, s.index, s.partition, s.range) for s in INDEX_SHAPES],
    ),
    "Attributes of the table": ("attribute", lambda: [[name] for name in sorted(OWN)]),
    "Added by the store": ("field, type", added_by_the_store),
    "Fields of an event": (
        "field, type, always",
        lambda: [
            *fields(Event),
            *fields(EventDates, "date."),
            *fields(EventDate, "eventDate."),
            *fields(EventStart, "eventDate.start."),
            *fields(Venue, "venue."),
            *fields(Artist, "artists[]."),
            *fields(Segment, "segment."),
        ],
    ),
    "Fields of a sale": (
        "field, type, always",
        lambda: [
            *fields(Sale),
            *fields(SaleDates, "date."),
            *fields(Generation, "generation."),
        ],
    ),
    "Fields of a demand": (
        "field, type, always",
        lambda: [*fields(Demand), *fields(DemandDates, "date.")],
    ),
    "Fields of an opt-out": ("field, type, always", lambda: [*fields(OptOut)]),
    "Fields of a contact guard": ("field, type, always", lambda: [*fields(Guard)]),
    "Fields of a notification": (
        "field, type, always",
        lambda: [
            *fields(Notification),
            *fields(Claim, "claim."),
            *fields(DeliveryError, "errors[]."),
            *fields(Timeline, "date."),
            *fields(Timeline, "seen."),
        ],
    ),
    "Fields of a tombstone": ("field, type, always", lambda: [*fields(Tombstone)]),
    "Fields of an erasure": ("field, type, always", lambda: [*fields(Erasure)]),
    "Fields of a note of an erasure": ("field, type, always", lambda: [*fields(Touched)]),
    "Fields of a watermark": ("field, type, always", lambda: [*fields(Watermark)]),
    "Fields of a rate": ("field, type, always", lambda: [*fields(Rate)]),
    "Channels": ("channel", channels),
    "Change note": ("field", noted),
    "Link request": ("field, type", lambda: [row[:2] for row in fields(LinkRequest)]),
    "Fields of a quarantined record": ("field", set_aside),
    "Fields of a manifest": (
        "field, type, always",
        lambda: [
            *fields(Manifest),
            *fields(Source, "sources[]."),
            *fields(MergedFile, "merged."),
        ],
    ),
    "Settings": ("setting, default, takes", settings),
    "Workers": ("worker, at once, time, hidden, receives, back within", workers),
}


@pytest.mark.parametrize("caption", TABLES)
def test_a_table_of_the_records_says_what_the_code_says(caption: str) -> None:
    columns, said_by_code = TABLES[caption]
    said = [tuple(row[column] for column in columns.split(", ")) for row in table(caption)]
    assert said == [tuple(row) for row in said_by_code()]


def test_every_purpose_of_a_hash_is_listed() -> None:
    assert sorted([row["purpose"]] for row in table("Purposes in use")) == purposes()


def test_the_alphabets_are_the_spellings_that_the_records_show() -> None:
    shown = {row["id"]: whole(row["spelling"]) for row in table("Alphabets of ids")}
    assert shown == ALPHABETS


def test_every_part_of_a_key_is_listed_with_its_spelling() -> None:
    parts = {row["part"]: row["spelling"] for row in table("Parts of keys that are no ids")}
    assert parts.keys() == PARTS.keys() - SPELLINGS.keys()
    spelled = {**SPELLINGS, **parts}
    for part, spelling in parts.items():
        if part.endswith("SK"):
            assert spelling == f"any `SK` of a `{part.removesuffix('SK')}"
            continue
        # A part inside a spelling stands there by its name.
        full = re.sub(r"{([A-Za-z]+)}", lambda inner: spelled[inner[1]], spelling)
        assert whole(full) == PARTS[part], part


def test_the_limits_are_those_of_the_constants_that_they_name() -> None:
    for row in table("Sizes and bounds"):
        module, _, name = row["constant"].rpartition(".")
        number, _, unit = row["limit"].partition(" ")
        count = int(number.replace(",", ""))
        is_time = unit in {"seconds", "minutes", "hours", "days"}
        limit = timedelta(**{unit: count}) if is_time else count
        assert limit == getattr(import_module(module), name), row["what"]


def test_every_table_that_calls_itself_checked_is_checked() -> None:
    apart = {"Purposes in use", "Parts of keys that are no ids", "Sizes and bounds"}
    assert sorted(CAPTION.findall(RECORDS)) == sorted(TABLES.keys() | apart)


def test_every_kind_that_is_written_is_among_the_items_that_show_it() -> None:
    assert {item.body["type"] for item in written_today()} == KINDS.keys()


def test_the_index_entries_that_the_records_name_are_those_filled_today() -> None:
    parsed = [parse_index(*entry) for item in written_today() for entry in item.index.items()]
    filled = {found[0] for found in parsed if found}
    named = ", ".join(f"`{shape.name}`" for shape in INDEX_SHAPES if shape.name in filled)
    assert f"\nFilled today: {named}.\n" in RECORDS


def test_decisions_are_numbered_without_gaps() -> None:
    names = [re.fullmatch(r"(\d{3})-[a-z0-9]+(?:-[a-z0-9]+)*\.md", d.name) for d in DECISIONS]
    assert [name and int(name[1]) for name in names] == [*range(1, len(DECISIONS) + 1)]


@each_decision
def test_a_decision_is_one_page_of_question_decision_reasons_and_costs(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    title, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert re.fullmatch(rf"# {decision.name[:3]} \S.*\n\n", title)
    heads, bodies = zip(*(part.split("\n", 1) for part in parts), strict=True)
    assert heads == ("Question", "Decision", "Why", "What it costs")
    assert all(body.strip() for body in bodies)
    assert 15 <= len(text.splitlines()) <= 40


@each_document
def test_every_link_leads_to_a_file(document: Path) -> None:
    text = SPAN.sub("", FENCED.sub("", document.read_text(encoding="utf-8")))
    for link in LINK.findall(text):
        if not ELSEWHERE.match(link):
            assert (document.parent / link.partition("#")[0]).exists(), link


@each_document
def test_every_path_of_ours_that_is_named_is_there(document: Path) -> None:
    for path in OUR_PATH.findall(document.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


@each_document
def test_no_document_names_a_machine_or_a_package_host(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not MACHINE.findall(text)
    assert not PACKAGE_HOST.findall(text)


def test_what_belongs_to_one_machine_would_be_seen() -> None:
    for slip in ("see /opt/x", "`/home/me`", "(/tmp/a)", "C:\\me", "~/notes", "in /Users/me"):
        assert MACHINE.search(slip), slip
    for slip in ("https://pypi.org/x", "--index-url", "https://host.example/simple/attrs"):
        assert PACKAGE_HOST.search(slip), slip
    for fine in (
        "src/demand_core/workers",
        "and/or",
        "https://tickets.example/work",
        "out/tmp",
    ):
        assert not MACHINE.search(fine), fine
        assert not PACKAGE_HOST.search(fine), fine
