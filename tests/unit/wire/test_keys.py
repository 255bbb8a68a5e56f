"""Every key of the table and its indexes parses back to its parts, and nothing else parses."""

import re
from collections.abc import Callable
from enum import StrEnum

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.wire import keys
from demand_adapters.wire.keys import ARCHIVED, INDEX_SHAPES, PARTS, SHAPES, Key
from demand_core.errors import Permanent, WiringError

PART = re.compile(r"{(\w+):?(\w*)}")
HEX = "0123456789abcdef" * 2
NOON = "2025-02-14T12:00:00.000Z"
WAVE = "C" * 40 + "_" + "w" * 40

LONGEST_BY_ALPHABET = {
    **dict.fromkeys(("eventId", "fanId", "globalUserId", "sender", "worker"), "x" * 64),
    **dict.fromkeys(("messageId", "providerMessageId", "watermark"), "x" * 128),
    **dict.fromkeys(("demandSaleId", "saleId"), "e" * 64 + ".p0123456789ab"),
    **dict.fromkeys(("digest", "notificationId"), HEX),
    **dict.fromkeys(("erasureId", "runId"), "20250214T120000Z-0123abcd"),
    **dict.fromkeys(("subject", "waveId"), WAVE),
    "campaignId": "C" * 40,
    "channel": "email",
    "code": "Z" * 32,
    "dateKey": "20250214T0930",
    "hour": NOON[:13],
    "instant": NOON,
    "keyedHash": "k" * 32 + "." + HEX,
    "marketId": "m" * 40,
    "nnnn": "000001",
    "notificationSK": f"wav#{WAVE}#email",
    "provider": "p" * 40,
    "selectionSK": "asu#" + "C" * 40 + "-" + "m" * 40 + "#selection",
    "shard": "f",
}

# No alphabet has any of these.
HOSTILE = (
    *("", " ", "\n", "#", "a#b", "\x00", "a\x00", "f" * 300, "１２", "٤٥", "é", "\ud800"),
    *(None, 7, 1.5, True, b"f1", ["f1"]),
)


@frozen
class Case:
    """A shape of the table or of an index, and how it is written and read."""

    name: str
    space: str
    patterns: tuple[str, str]
    build: Callable[..., Key]
    parse: Callable[[Key], tuple[str, dict[str, str]] | None]

    @property
    def alphabet_by_part(self) -> dict[str, str]:
        return {part: spelled or part for part, spelled in PART.findall("".join(self.patterns))}

    @property
    def longest(self) -> dict[str, str]:
        return {part: LONGEST_BY_ALPHABET[a] for part, a in self.alphabet_by_part.items()}

    def parts(self) -> st.SearchStrategy[dict[str, str]]:
        """Parts for every place, each drawn from its own alphabet."""
        patterns = {part: PARTS[alphabet] for part, alphabet in self.alphabet_by_part.items()}
        return st.fixed_dictionaries(
            {part: st.from_regex(pattern, fullmatch=True) for part, pattern in patterns.items()}
        )


def index_reader(index: str) -> Callable[[Key], tuple[str, dict[str, str]] | None]:
    return lambda entry: keys.parse_index(index, entry)


CASES = [
    *(Case(s.name, "table", (s.pk, s.sk), keys.build, keys.parse) for s in SHAPES),
    *(
        Case(s.name, s.index, (s.partition, s.range), keys.build_index, index_reader(s.index))
        for s in INDEX_SHAPES
    ),
]
every_shape = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.space}-{case.name}"
)
every_part = pytest.mark.parametrize(
    ("case", "part"),
    [(case, part) for case in CASES for part in case.alphabet_by_part],
    ids=lambda each: each if isinstance(each, str) else f"{each.space}-{each.name}",
)


def grammar(pattern: str) -> re.Pattern[str]:
    """*pattern* as one regular expression, made without any of the code under test."""

    def spelled(part: re.Match[str]) -> str:
        alternatives = PARTS[part[2] or part[1]].pattern.removesuffix(r"\Z")
        return f"(?P<{part[1]}>{alternatives})"

    return re.compile(PART.sub(spelled, re.sub(r"([#.-])", r"\\\1", pattern)))


GRAMMARS = [(case, grammar(case.patterns[0]), grammar(case.patterns[1])) for case in CASES]


def readings(space: str, key: Key) -> list[tuple[str, dict[str, str]]]:
    """Every reading of *key* that the grammar allows."""
    return [
        (case.name, one.groupdict() | two.groupdict())
        for case, first, second in GRAMMARS
        if case.space == space
        and (one := first.fullmatch(key[0]))
        and (two := second.fullmatch(key[1]))
    ]


@every_shape
@given(data=st.data())
def test_a_key_parses_back_to_its_parts_and_is_of_no_other_shape(
    case: Case, data: st.DataObject
) -> None:
    parts = data.draw(case.parts())
    key = case.build(case.name, **parts)
    assert case.parse(key) == (case.name, parts)
    assert readings(case.space, key) == [(case.name, parts)]


@given(case=st.sampled_from(CASES), data=st.data())
def test_a_key_with_a_slip_in_it_is_read_as_the_grammar_says(
    case: Case, data: st.DataObject
) -> None:
    halves = list(case.build(case.name, **data.draw(case.parts())))
    half = data.draw(st.sampled_from([0, 1]))
    start = data.draw(st.integers(0, len(halves[half])))
    slip = data.draw(st.text("#:._-aZ0\n\0１", max_size=2))
    rest = halves[half][start + data.draw(st.integers(0, 2)) :]
    halves[half] = halves[half][:start] + slip + rest
    read = case.parse((halves[0], halves[1]))
    assert ([] if read is None else [read]) == readings(case.space, (halves[0], halves[1]))


@every_shape
def test_every_key_fits_the_table_at_its_longest(case: Case) -> None:
    first, second = case.build(case.name, **case.longest)
    assert 0 < len(first.encode()) <= 2048
    assert 0 < len(second.encode()) <= 1024


@every_part
def test_no_part_may_be_longer_than_its_longest(case: Case, part: str) -> None:
    longer = case.longest[part] + case.longest[part][-1]
    with pytest.raises(Permanent):
        case.build(case.name, **case.longest | {part: longer})


@every_part
def test_a_hostile_part_is_refused_by_name_and_never_shown(case: Case, part: str) -> None:
    good = case.longest[part]
    for value in (*HOSTILE, f"{good}\n", f"{good}#", f"#{good}", f"{good}\x00", f"<{good}>"):
        with pytest.raises(Permanent) as refusal:
            case.build(case.name, **case.longest | {part: value})
        assert (refusal.value.code, str(refusal.value)) == ("bad_id", f"bad_id: {part}")


@pytest.mark.parametrize("separator", [":", ".", "/", "#"])
@pytest.mark.parametrize("part", ["eventId", "fanId", "campaignId", "marketId", "globalUserId"])
def test_no_id_may_hold_what_separates_parts(part: str, separator: str) -> None:
    for case in (case for case in CASES if part in case.alphabet_by_part):
        with pytest.raises(Permanent, match=f"^bad_id: {part}$"):
            case.build(case.name, **case.longest | {part: f"a{separator}b"})


@every_shape
def test_a_missing_or_spare_part_or_an_unknown_shape_is_our_own_mistake(case: Case) -> None:
    parts = case.longest
    short = [{part: parts[part] for part in parts if part != left} for left in parts]
    for each in (*short, parts | {"spare": "x"}):
        with pytest.raises(WiringError):
            case.build(case.name, **each)
    with pytest.raises(WiringError):
        case.build("unheardOf", **parts)


@pytest.mark.parametrize(
    ("key", "shape", "parts"),
    [
        (("event:E1", "event"), "event", {"eventId": "E1"}),
        (("fan:f", "evt#E#E.any"), "demand", {"fanId": "f", "eventId": "E", "saleId": "E.any"}),
        (
            ("fan:f1", "asu#C1-m-1#reminder"),
            "notification.NOTICE",
            {"globalUserId": "f1", "campaignId": "C1", "marketId": "m-1"},
        ),
        (
            ("parked:p1#SM.1:2", f"{NOON}#{HEX}"),
            "parkedReport",
            {"provider": "p1", "messageId": "SM.1:2", "at": NOON, "digest": HEX},
        ),
        (("watermark:merge/sale", "watermark"), "watermark", {"name": "merge/sale"}),
        (("layout", "layout"), "layout", {}),
    ],
)
def test_keys_look_as_the_records_say(key: Key, shape: str, parts: dict[str, str]) -> None:
    assert keys.build(shape, **parts) == key


def test_index_entries_look_as_the_records_say() -> None:
    due = keys.build_index("due", shard="a", dueAt=NOON, notificationId=HEX)
    assert due == ("due#a", f"{NOON}#{HEX}")
    code = keys.build_index("code", campaignId="C", code="AB-1", SK="asu#C-m#selection")
    assert code == ("code#C#AB-1", "asu#C-m#selection")


@pytest.mark.parametrize(
    "key",
    [
        *[
            ("", ""),
            ("event:", "event"),
            ("event:E1", ""),
            ("Event:E1", "event"),
            ("fan:f", "x"),
        ],
        *[("event:E1", "event#"), ("event:E1\n", "event"), ("event:E1", "sale#E1.any")],
        *[("fan:f", "asu#C#selection"), ("fan:f", "asu#C-m#entry"), ("layout:", "layout")],
    ],
)
def test_what_is_no_key_of_ours_is_read_as_none(key: Key) -> None:
    assert keys.parse(key) is None


@pytest.mark.parametrize(
    ("index", "entry"),
    [("byMessage", ("p1", "ntf#E1.public#sms")), ("byGroup", ("sent#C1-m#0", "sms"))],
)
def test_an_entry_without_its_separator_is_read_as_none(index: str, entry: Key) -> None:
    assert keys.parse_index(index, entry) is None


def test_an_entry_is_read_by_the_rules_of_its_own_index() -> None:
    parts = {"notificationId": HEX, "SK": "ntf#E1.public#sms"}
    entry = keys.build_index("reference", **parts)
    assert keys.parse_index("byId", entry) == ("reference", parts)
    assert keys.parse_index("byTime", entry) is keys.parse_index("byName", entry) is None


def test_the_text_of_a_text_enum_goes_into_the_key_whatever_it_prints_as() -> None:
    class Channel(StrEnum):
        SMS = "sms"

        def __str__(self) -> str:
            return self.name

    parts = {"fanId": "f1", "saleId": "E1.public", "channel": Channel.SMS}
    assert keys.build("notification.REMINDER", **parts) == ("fan:f1", "ntf#E1.public#sms")


def test_only_a_demand_may_be_for_any_sale_of_its_event() -> None:
    wishes = {case.name for case in CASES if "demandSaleId" in case.alphabet_by_part.values()}
    assert wishes == {"demand", "ask"}
    with pytest.raises(Permanent):
        keys.build("notification.REMINDER", fanId="f1", saleId="E1.any", channel="sms")


def test_four_types_are_archived_with_all_their_variants() -> None:
    assert {"event", "sale", "demand", "notification"} == ARCHIVED
    assert not ARCHIVED & {shape.kind_of_item for shape in SHAPES if not shape.archived}


def test_names_and_parts_are_used_once() -> None:
    assert len({(case.build, case.name) for case in CASES}) == len(CASES)
    for case in CASES:
        assert len(PART.findall("".join(case.patterns))) == len(case.alphabet_by_part)
