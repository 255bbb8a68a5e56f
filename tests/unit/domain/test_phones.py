"""Numbers as people type them, held against the numbering plan of the installed library."""

import subprocess
import sys
from pathlib import Path
from random import Random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.phones import (
    ParsedPhone,
    PhoneKind,
    PhonePolicy,
    PhoneProblem,
    PhoneReason,
    PhoneTag,
    parse_phone,
    regions,
)

SRC = Path(__file__).parents[3] / "src"
EVERYWHERE = PhonePolicy(regions=regions(), kinds=frozenset(PhoneKind))
OTHERS = ("CA", "AG", "GB", None)
SPELLINGS = (
    "+1{}{}{}",
    "+{}{}{}",
    "+1 ({}) {}-{}",
    "+1-{}-{}-{}",
    "+1 {} {} {}",
    "1{}{}{}",
    "1 {} {} {}",
    "1.{}.{}.{}",
    "({}) {}-{}",
    "{}-{}-{}",
    "{}{}{}",
    "({}){}{}",
    "+1{}-{} {}",
)


def by_library(text: str, region: str | None) -> tuple[str, str, str] | None:
    """What the library alone says: E.164, region and kind of a valid number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    found = phonenumbers.region_code_for_number(number)
    if found is None or not phonenumbers.is_valid_number(number):
        return None
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
    return phonenumbers.format_number(number, 0), found, kind


def by_us(text: str, region: str | None) -> tuple[str, str, str] | None:
    found = parse_phone(text, region, EVERYWHERE)
    if isinstance(found, PhoneProblem):
        return None
    return found.phone.reveal(), found.region, found.kind.name


def test_every_area_code_is_judged_as_the_library_judges_it_in_any_spelling() -> None:
    chance = Random(7)
    taken = 0
    for area in range(200, 1000):
        exchanges = [chance.randrange(1000) for _ in range(5)]
        for number, exchange in enumerate([*exchanges, 555, 911, 200, 310]):
            spelling = SPELLINGS[(area + number) % len(SPELLINGS)]
            text = spelling.format(area, f"{exchange:03}", f"{chance.randrange(10000):04}")
            for region in ("US", OTHERS[chance.randrange(len(OTHERS))]):
                assert by_us(text, region) == by_library(text, region), (text, region)
            taken += by_us(text, "US") is not None
    assert taken > 2500


@given(
    digits=st.text("0123456789", min_size=9, max_size=12),
    gaps=st.lists(st.sampled_from(["", " ", "-", ".", "(", ")", "  ", "/"]), min_size=13),
    before=st.sampled_from(["", "+", "+1", "1", "1 ", "+1-", "011"]),
    region=st.sampled_from(["US", "CA", "BB", "FR", None]),
)
def test_however_digits_are_divided_the_answer_is_the_librarys(
    digits: str, gaps: list[str], before: str, region: str | None
) -> None:
    text = before + "".join(gap + digit for gap, digit in zip(gaps, digits, strict=False))
    assert by_us(text, region) == by_library(text.strip(), region)


@given(
    number=st.builds(
        "+{}{}".format,
        st.sampled_from([1, 1, 33, 39, 44, 49, 52, 54, 61, 81]) | st.integers(1, 999),
        st.text("0123456789", min_size=6, max_size=13),
    ),
    region=st.sampled_from(["US", None]),
)
def test_a_number_once_taken_reads_the_same_again(number: str, region: str | None) -> None:
    found = parse_phone(number, region, EVERYWHERE)
    if isinstance(found, ParsedPhone):
        assert parse_phone(found.phone.reveal(), None, EVERYWHERE) == found


@given(text=st.text(max_size=80), region=st.sampled_from(["US", "XX", None]))
def test_any_text_gets_an_answer_and_shows_in_none(text: str, region: str | None) -> None:
    found = parse_phone(text, region)
    assert isinstance(found, ParsedPhone | PhoneProblem)
    digits = [sign for sign in text if sign.isdigit()]
    assert len(digits) < 5 or "".join(digits) not in repr(found)


@pytest.mark.parametrize(
    ("text", "region", "e164", "tags"),
    [
        ("(212) 555-0123", "US", "+12125550123", (PhoneTag.FICTION,)),
        ("12125550123", "US", "+12125550123", (PhoneTag.FICTION,)),
        ("212.555.2123", "CA", "+12125552123", ()),
        ("  +1 212 555 2123\r\n", None, "+12125552123", ()),
        ("tel:+1-415-555-2671", None, "+14155552671", ()),
        ("'2125552123", "US", "+12125552123", ()),
        ("\u202a+1 212-555-2123\u202c", None, "+12125552123", ()),
        ("+1 212 555 2123 ext. 45", None, "+12125552123", (PhoneTag.EXTENSION_DROPPED,)),
        ("212-555-BLUE", "US", "+12125552583", (PhoneTag.LETTERS_READ,)),
        (
            "\u0662\u0661\u0662\u0665\u0665\u0665\u0662\u0661\u0662\u0663",
            "US",
            "+12125552123",
            (),
        ),
    ],
)
def test_the_usual_ways_to_type_a_number_give_its_one_form(
    text: str, region: str | None, e164: str, tags: tuple[PhoneTag, ...]
) -> None:
    found = parse_phone(text, region)
    assert isinstance(found, ParsedPhone)
    assert found.phone.reveal() == e164
    assert found.tags == tags
    assert (found.region, found.kind) == ("US", PhoneKind.FIXED_LINE_OR_MOBILE)


@pytest.mark.parametrize(
    ("text", "region", "reason"),
    [
        ("", "US", PhoneReason.NOT_A_NUMBER),
        ("abc", "US", PhoneReason.NOT_A_NUMBER),
        ("+", "US", PhoneReason.NOT_A_NUMBER),
        ("+1", "US", PhoneReason.NOT_A_NUMBER),
        ("212\x00555\x002123", "US", PhoneReason.NOT_A_NUMBER),
        ("2125552123\x00", "US", PhoneReason.NOT_A_NUMBER),
        ("2125552123" * 7, "US", PhoneReason.NOT_A_NUMBER),
        ("1.5555E+10", "US", PhoneReason.SPREADSHEET),
        ("1,21255501E+10", "US", PhoneReason.SPREADSHEET),
        ("212-555-0123", None, PhoneReason.NO_COUNTRY),
        ("+999123456789", None, PhoneReason.UNKNOWN_COUNTRY),
        ("+1555012345", None, PhoneReason.TOO_SHORT),
        ("911", "US", PhoneReason.TOO_SHORT),
        ("12345", "US", PhoneReason.TOO_SHORT),
        ("212 555 01234", "US", PhoneReason.TOO_LONG),
        ("00442079460123", "US", PhoneReason.TOO_LONG),
        ("12345678901234567890", "US", PhoneReason.TOO_LONG),
        ("5550123", "US", PhoneReason.LOCAL_ONLY),
        ("+15551234567", None, PhoneReason.UNASSIGNED),
        ("+11235550123", None, PhoneReason.UNASSIGNED),
        ("+12120550123", None, PhoneReason.UNASSIGNED),
        ("+19115550123", None, PhoneReason.UNASSIGNED),
        ("+19002345678", None, PhoneReason.KIND_NOT_ALLOWED),
        ("1-800-FLOWERS", "US", PhoneReason.KIND_NOT_ALLOWED),
        ("+15002345678", None, PhoneReason.KIND_NOT_ALLOWED),
        ("+16002345678", None, PhoneReason.KIND_NOT_ALLOWED),
        ("+14165550123", None, PhoneReason.REGION_NOT_ALLOWED),
        ("+18762345678", None, PhoneReason.REGION_NOT_ALLOWED),
        ("+17872345678", None, PhoneReason.REGION_NOT_ALLOWED),
        ("011442079460123", "US", PhoneReason.REGION_NOT_ALLOWED),
        ("+447911123456", None, PhoneReason.REGION_NOT_ALLOWED),
    ],
)
def test_a_number_that_is_not_taken_says_why(
    text: str, region: str | None, reason: PhoneReason
) -> None:
    found = parse_phone(text, region)
    assert isinstance(found, PhoneProblem)
    assert found.reason is reason


@pytest.mark.parametrize(
    ("text", "region"),
    [
        *(("+14165550123", "CA"), ("+17872345678", "PR"), ("+16712345678", "GU")),
        *(("+18762345678", "JM"), ("+12423591234", "BS"), ("+18092345678", "DO")),
        *(("+12125550123", "US"), ("+447911123456", "GG"), ("+33612345678", "FR")),
    ],
)
def test_who_is_allowed_goes_by_the_numbering_plan_not_by_the_prefix(
    text: str, region: str
) -> None:
    alone = parse_phone(text, None, PhonePolicy(regions=frozenset({region})))
    assert isinstance(alone, ParsedPhone)
    assert alone.region == region
    others = parse_phone(text, None, PhonePolicy(regions=regions() - {region}))
    assert isinstance(others, PhoneProblem)
    assert (others.phone, others.region, others.kind) == (alone.phone, region, alone.kind)


def test_a_landline_is_taken_and_wears_a_tag() -> None:
    found = parse_phone("020 7946 0123", "GB", EVERYWHERE)
    assert isinstance(found, ParsedPhone)
    assert found.tags == (PhoneTag.LANDLINE,)


def test_holding_a_number_needs_no_numbering_plan_to_be_loaded() -> None:
    program = (
        "import sys; from demand_core.domain import contacts, hours, notifications, phones;"
        "contacts.Phone('+12125550123');"
        "assert not {'phonenumbers', 'babel'} & sys.modules.keys()"
    )
    env = {"PYTHONPATH": str(SRC)}
    ran = subprocess.run([sys.executable, "-c", program], check=False, env=env)
    assert ran.returncode == 0
