"""What a reminder says, what it gives up to fit, and that nobody's name steers it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from unicodedata import category

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.sms_text import Encoding, sms_size
from demand_core.domain.spoken_names import email_name, sms_name, unlinked
from demand_core.domain.spoken_times import Locale
from demand_core.domain.templates import TEMPLATES, Template
from demand_core.domain.wording import (
    Reminder,
    Sms,
    Step,
    Unsaid,
    Unsayable,
    as_sms,
    reminder_sms,
)
from demand_core.errors import Permanent

LINK: Final = "https://bit.ly/3xYZ"
# The sample of the requirement, which says what is said and is too long for it.
LITERAL: Final = (
    "It's almost time! Tickets for Taylor Swift Verified Fan Presale in Los Angeles will be "
    "going on sale at 10:00 AM PST. Get your tickets with Ticketmaster: bit.ly/3xYZ"
)
VERIFIED_FAN: Final = Reminder(
    locale="en-us",
    brand="ticketmaster",
    artist="Taylor Swift",
    starts_at=datetime(2025, 2, 14, 18, tzinfo=UTC),
    lead=timedelta(minutes=30),
    link=LINK,
    time_zone="America/Los_Angeles",
    venue="SoFi Stadium",
    city="Los Angeles",
    presale="Verified Fan Presale",
)
CLOCKS: Final = {"en-us": "10:00 AM PST", "en-ca": "10:00 a.m. PST", "fr-ca": "10 h 00 HNP"}

names = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("abcd.:/ \u202e\u2066\n。…’é"),
    max_size=80,
)
hostile = names | st.sampled_from(
    [
        "Prize at https://evil.example/x", "bit.ly/evil", "EVIL.COM", "evil。com",
        "evil\u2024com", "ｅｖｉｌ．ｃｏｍ", "ev\u200bil.c\u200bom", "www.evil.example",
        "192.168.0.1", "tel:+19005550100",
        "mailto:a@evil.com", "\u202egro.live", "{link}{brand}", "%s", "Crypto.com Arena",
        "Taylor\r\nTicketmaster: evil.com", "will.i.am", "a" * 5000, "椎名林檎", "😀" * 40, "",
    ]
)  # fmt: skip
zones = st.none() | st.sampled_from(
    ["America/Toronto", "America/St_Johns", "Nowhere/None", ".."]
)
reminders = st.builds(
    Reminder,
    locale=st.sampled_from(["en-us", "en-ca", "fr-ca", "fr", "es-mx"]),
    brand=st.sampled_from(["ticketmaster", "livenation"]),
    artist=hostile,
    starts_at=st.just(VERIFIED_FAN.starts_at),
    lead=st.just(timedelta(minutes=30)),
    link=st.sampled_from([LINK, "https://www.ticketmaster.com/event/" + "1A" * 20]),
    time_zone=zones,
    venue=st.none() | hostile,
    city=st.none() | hostile,
    presale=st.none() | hostile,
)


def said(reminder: Reminder = VERIFIED_FAN, *, budget: int = 1, **changed: object) -> Sms:
    sms = reminder_sms(evolve(reminder, **changed), budget=budget)  # type: ignore[arg-type]
    assert isinstance(sms, Sms)
    return sms


@pytest.mark.check("CONST-001")
def test_the_literal_sample_is_refused_where_one_segment_is_allowed() -> None:
    refused = as_sms(LITERAL, "en-us")
    assert isinstance(refused, Unsaid)
    assert refused.reason is Unsayable.TOO_LONG
    assert refused.size == sms_size(LITERAL)
    assert (len(LITERAL), sms_size(LITERAL).units, sms_size(LITERAL).segments) == (165, 165, 2)
    assert isinstance(as_sms(LITERAL, "en-us", budget=2), Sms)


@pytest.mark.check("REQ-002", "N-R16")
def test_the_template_for_the_same_sale_fits_and_gives_nothing_up() -> None:
    sms = said()
    assert sms.text == (
        "It's almost time! Tickets for Taylor Swift Verified Fan Presale at SoFi Stadium "
        "go on sale Fri, Feb 14 at 10:00 AM PST. Ticketmaster: bit.ly/3xYZ"
    )
    assert (sms.size.encoding, sms.size.segments, sms.shortened) == (Encoding.GSM_7, 1, ())


@pytest.mark.check("N-R5")
def test_a_public_sale_has_no_sale_name() -> None:
    assert said(presale=None).text == (
        "It's almost time! Tickets for Taylor Swift at SoFi Stadium "
        "go on sale Fri, Feb 14 at 10:00 AM PST. Ticketmaster: bit.ly/3xYZ"
    )


@pytest.mark.check("N-R16")
def test_french_is_written_within_what_costs_nothing() -> None:
    sms = said(
        locale="fr-ca",
        brand="livenation",
        artist="Françoise Hélène",
        venue="L’Olympia",
        presale="Prévente",
        starts_at=datetime(2025, 8, 14, 14, tzinfo=UTC),
        time_zone="America/Toronto",
    )
    assert sms.text == (
        "C'est presque l'heure! Billets pour Francoise Hélène - Prévente (L'Olympia) "
        "en vente jeu. 14 aout à 10 h 00 HAE. Live Nation : bit.ly/3xYZ"
    )
    assert sms.size.encoding is Encoding.GSM_7


@pytest.mark.parametrize(("asked", "fell_back"), [("en-ca", False), ("fr", True), ("", True)])
def test_a_fall_back_to_another_locale_is_told(asked: str, fell_back: bool) -> None:
    assert said(locale=asked).fell_back is fell_back


@pytest.mark.check("REQ-002", "CONST-001")
@pytest.mark.parametrize("locale", CLOCKS)
def test_the_ladder_gives_up_one_thing_after_another_and_no_more(locale: str) -> None:
    brand, city = "Ticketmaster", "Los Angeles"
    seen = dict[tuple[Step, ...], str]()
    for length in range(8, 200):
        sms = said(locale=locale, artist=("Abcdefg " * 30)[:length].strip())
        assert sms.size.segments == 1
        seen.setdefault(sms.shortened, sms.text)
        assert all(part in sms.text for part in (brand, "bit.ly/3xYZ", CLOCKS[locale]))
    ladder = list(Step)
    assert [list(steps) for steps in seen] == [ladder[:n] for n in range(6)]
    texts = list(seen.values())
    assert ["SoFi Stadium" in text for text in texts] == [True] + [False] * 5
    assert [city in text for text in texts] == [False] + [True] * 5
    assert ["Verified" in text for text in texts] == [True] * 2 + [False] * 4
    assert ["14" in text for text in texts] == [True] * 3 + [False] * 3
    assert ["..." in text for text in texts] == [False] * 5 + [True]


def test_a_step_that_saves_nothing_is_not_taken() -> None:
    long = "The Very Long Name of the Orchestra of a Town beyond the Hills and Far from the Sea"
    assert Step.VENUE not in said(artist=long, venue="MSG", city="New York City").shortened
    assert Step.VENUE not in said(artist=long, city=None).shortened
    assert Step.PRESALE not in said(artist=long, presale=None).shortened


@pytest.mark.parametrize("locale", CLOCKS)
def test_a_name_that_needs_ucs_2_still_goes_into_one_segment(locale: str) -> None:
    sms = said(locale=locale, artist="椎名林檎")
    assert sms.text.startswith("椎名林檎 ")
    assert CLOCKS[locale] in sms.text
    assert (sms.size.encoding, sms.size.segments) == (Encoding.UCS_2, 1)


def test_a_venue_that_needs_ucs_2_makes_room_for_its_city() -> None:
    sms = said(venue="日本武道館", city="Tokyo")
    assert (sms.size.encoding, sms.shortened) == (Encoding.GSM_7, (Step.VENUE,))


def test_more_segments_leave_more_said() -> None:
    long = "Orchestra " * 10
    assert said(artist=long, budget=2).shortened == ()
    assert said(artist=long).shortened != ()


@pytest.mark.parametrize("locale", CLOCKS)
def test_without_a_known_zone_the_text_says_how_soon(locale: str) -> None:
    for zone in (None, "Nowhere/None", "../etc/passwd", "America", "\x00"):
        text = said(locale=locale, time_zone=zone).text
        assert "30 min" in text
        assert not re.search(r"10:00|10 h|Feb|févr", text)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"artist": "\u202e\n"}, Unsayable.NO_ARTIST),
        ({"venue": None, "city": " "}, Unsayable.NO_PLACE),
        ({"link": "http://bit.ly/x"}, Unsayable.BAD_LINK),
        ({"link": ""}, Unsayable.BAD_LINK),
        ({"link": "https://www.ticketmaster.com/" + "x" * 140}, Unsayable.TOO_LONG),
        ({"venue": None, "city": "x" * 150}, Unsayable.TOO_LONG),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_reason(
    changed: dict[str, str], reason: Unsayable
) -> None:
    refused = reminder_sms(evolve(VERIFIED_FAN, **changed))  # type: ignore[arg-type]
    assert isinstance(refused, Unsaid)
    assert refused.reason is reason
    assert (refused.size is not None) is (reason is Unsayable.TOO_LONG)


@pytest.mark.check("CONST-001")
@given(reminders, st.integers(1, 3))
def test_a_text_fits_its_budget_or_there_is_none(reminder: Reminder, budget: int) -> None:
    match reminder_sms(reminder, budget=budget):
        case Sms() as sms:
            assert sms.size == sms_size(sms.text)
            assert sms.size.segments <= budget
            assert list(sms.shortened) == [step for step in Step if step in sms.shortened]
        case Unsaid() as refused:
            enough = refused.reason is not Unsayable.TOO_LONG or refused.size is not None
            assert enough


@given(reminders)
def test_no_name_steers_the_text_or_brings_a_link_of_its_own(reminder: Reminder) -> None:
    sms = reminder_sms(reminder, budget=200)
    if isinstance(sms, Sms):
        link = reminder.link.removeprefix("https://")
        rest, ours, after = sms.text.rpartition(f" {link}")
        assert (ours.strip(), after) == (link, "")
        assert not re.search(r"\w\.[^\W\d_]{2}|://|\d\.\d+\.\d+\.\d", rest)
        assert not {category(sign) for sign in sms.text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(names)
def test_taking_links_out_of_a_name_twice_is_taking_them_out_once(name: str) -> None:
    once = unlinked(name)
    assert unlinked(once) == once
    assert len(once) >= len(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("R.E.M.", "R.E.M."),
        ("...Baby One More Time", "...Baby One More Time"),
        ("Crypto.com Arena", "Crypto com Arena"),
        ("Fun. & St. Vincent", "Fun. & St. Vincent"),
        ("12:30 Live: 2.0", "12:30 Live: 2.0"),
        ("https://evil.com", "https: //evil com"),
        ("  Twice\t\nas  nice ", "Twice as nice"),
    ],
)
def test_only_what_a_phone_would_link_is_changed_in_a_name(name: str, shown: str) -> None:
    assert sms_name(name, Locale.EN_US) == email_name(name) == shown


def test_a_body_is_never_shown() -> None:
    assert "Taylor" not in repr(said())
    assert "Taylor" not in repr(reminder_sms(evolve(VERIFIED_FAN, artist="Taylor " * 99)))


def test_a_brand_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(Permanent, match="bad_brand"):
        evolve(VERIFIED_FAN, brand="acme")


@pytest.mark.check("N-R7")
@pytest.mark.parametrize(
    ("name", "pattern", "why"),
    [
        ("phrase", TEMPLATES[Locale.EN_US].phrase + "{fan}", "nobody fills {fan}"),
        ("phrase", TEMPLATES[Locale.EN_US].phrase.replace("{artist}", ""), "{artist} belongs"),
        ("phrase", TEMPLATES[Locale.EN_US].phrase.replace("{place}", ""), "{place} belongs"),
        ("phrase", TEMPLATES[Locale.EN_US].phrase.replace("{when}", ""), "{when} belongs"),
        ("phrase", TEMPLATES[Locale.EN_US].phrase + "{artist}", "{artist} belongs in once"),
        ("venue", " there", "{name} belongs"),
        ("on_day", "{time} {zone}", "{day} belongs"),
        ("on_day", "{day} {zone}", "{time} belongs"),
        ("on_day", "{day} {time}", "{zone} belongs"),
        ("at_time", "at {time}", "{zone} belongs"),
        ("brief", "{artist.__class__}", "nobody fills"),
        ("soon", "{}", "nobody fills {}"),
        ("soon", "{minutes", "unpaired brace"),
        ("soon", "{minutes:>9}", "a name alone"),
        ("soon", "{minutes!r}", "a name alone"),
    ],
)
def test_a_template_is_refused_unless_just_what_it_needs_is_filled_in(
    name: str, pattern: str, why: str
) -> None:
    with pytest.raises(Permanent, match=f"bad_template: {name}: .*{re.escape(why)}"):
        evolve(TEMPLATES[Locale.EN_US], **{name: pattern})


def test_own_words_take_the_place_of_ours() -> None:
    ours = TEMPLATES[Locale.EN_US]
    own: Template = evolve(ours, phrase=f"Psst! {ours.phrase}")
    sms = reminder_sms(VERIFIED_FAN, templates={**TEMPLATES, Locale.EN_US: own})
    assert isinstance(sms, Sms)
    assert sms.text.startswith("Psst! It's almost time!")
