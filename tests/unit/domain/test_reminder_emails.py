"""What goes into a reminder's e-mail: all that its template demands, or there is none."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from demand_core.domain.reminder_emails import EmailVariables, ReminderEmail, reminder_email
from demand_core.domain.wording import Reminder, Sms, Unsaid, Unsayable, reminder_sms
from demand_core.errors import Permanent

POSTER: Final = "https://s1.ticketm.net/dam/a/poster_16_9.jpg"
IN_MONTREAL: Final = Reminder(
    locale="fr-ca",
    brand="ticketmaster",
    artist="Françoise Beyoncé",
    starts_at=datetime(2025, 8, 14, 14, tzinfo=UTC),
    lead=timedelta(minutes=30),
    link="https://bit.ly/3xYZ",
    time_zone="America/Toronto",
    venue="Théâtre Maisonneuve",
    city="Montréal",
    presale="Prévente Fan",
)


def email_of(reminder: Reminder = IN_MONTREAL, poster: str | None = POSTER) -> ReminderEmail:
    email = reminder_email(reminder, poster)
    assert isinstance(email, ReminderEmail)
    return email


def variables(**changed: str) -> EmailVariables:
    return evolve(email_of().variables, **changed)


@pytest.mark.check("REQ-002")
def test_a_french_email_keeps_every_letter_and_has_every_variable() -> None:
    email = email_of()
    assert (email.template, email.locale.value, email.fell_back) == (
        "reminder/1",
        "fr-ca",
        False,
    )
    assert email.variables.filled() == {
        "brand": "Ticketmaster",
        "artist": "Françoise Beyoncé",
        "venue": "Théâtre Maisonneuve",
        "city": "Montréal",
        "presale": "Prévente Fan",
        "day": "jeudi 14 août 2025",
        "time": "10 h 00",
        "zone": "HAE",
        "soon": "d'ici 30 min",
        "link": "https://bit.ly/3xYZ",
        "poster": POSTER,
    }


@pytest.mark.check("N-R19")
@pytest.mark.parametrize(
    ("locale", "in_sms", "in_email"),
    [
        ("en-us", "Francoise Beyonce", "Francoise Beyonce"),
        ("en-ca", "Francoise Beyonce", "Francoise Beyonce"),
        ("fr-ca", "Francoise Beyoncé", "Françoise Beyoncé"),
    ],
)
def test_artists_are_spelled_without_accents_in_english_and_with_them_in_french(
    locale: str, in_sms: str, in_email: str
) -> None:
    reminder = evolve(IN_MONTREAL, locale=locale)
    sms = reminder_sms(reminder)
    assert isinstance(sms, Sms)
    assert in_sms in sms.text
    assert email_of(reminder).variables.artist == in_email


def test_without_a_known_zone_only_how_soon_is_said() -> None:
    filled = email_of(evolve(IN_MONTREAL, time_zone="Nowhere/None")).variables.filled()
    assert filled["soon"] == "d'ici 30 min"
    assert not filled.keys() & {"day", "time", "zone"}


def test_a_venue_that_nobody_named_is_told_by_its_city() -> None:
    assert email_of(evolve(IN_MONTREAL, venue=None)).variables.venue == "Montréal"


@pytest.mark.parametrize("poster", [None, "", "http://s1.ticketm.net/x.jpg", "javascript:x"])
def test_a_poster_that_is_no_link_is_left_out(poster: str | None) -> None:
    assert "poster" not in email_of(poster=poster).variables.filled()


@pytest.mark.check("N-R17")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"artist": "\u202e"}, Unsayable.NO_ARTIST),
        ({"venue": "", "city": None}, Unsayable.NO_PLACE),
        ({"link": "https://bit.ly/\r\nBcc: all"}, Unsayable.BAD_LINK),
    ],
)
def test_an_email_that_lacks_what_it_must_say_is_refused(
    changed: dict[str, str], reason: Unsayable
) -> None:
    assert reminder_email(evolve(IN_MONTREAL, **changed)) == Unsaid(reason=reason)  # type: ignore[arg-type]


@pytest.mark.check("REQ-002", "N-R17")
@pytest.mark.parametrize("name", ["brand", "artist", "venue", "soon", "link"])
def test_each_variable_that_the_template_demands_must_be_there(name: str) -> None:
    with pytest.raises(Permanent, match=f"bad_variable: {name}: missing"):
        variables(**{name: ""})


@pytest.mark.check("N-R17")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"day": ""}, "day, time and zone: all or none"),
        ({"zone": ""}, "day, time and zone: all or none"),
        ({"link": "http://secret.example"}, "link: not an https link"),
        ({"poster": "secret"}, "poster: not an https link"),
        ({"artist": "secret\r\nBcc: all"}, "artist: holds what cannot be seen"),
        ({"city": "secret\u202e"}, "city: holds what cannot be seen"),
    ],
)
def test_a_wrong_variable_is_named_and_not_shown(changed: dict[str, str], why: str) -> None:
    with pytest.raises(Permanent, match=why) as refused:
        variables(**changed)
    assert "secret" not in str(refused.value)


def test_an_email_shows_nothing_of_what_it_says() -> None:
    assert "Beyonc" not in repr(email_of())
    assert "bit.ly" not in repr(email_of())
