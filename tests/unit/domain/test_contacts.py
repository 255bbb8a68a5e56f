"""Contacts are parsed once, hide wherever they are printed, and are known by their hash."""

import copy
import json
import logging
import pickle
import string
import traceback
from collections.abc import Callable

import pytest
from attrs import asdict, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.contacts import (
    ContactKey,
    Email,
    EmailProblem,
    EmailReason,
    Phone,
    compared,
    contact_hash,
    contact_hashes,
    parse_email,
)
from demand_core.domain.masked import Masked
from demand_core.errors import Permanent, WiringError

NUMBER = "+12125550123"
ADDRESS = "Canary.Fan+tm@Example.com"
KEY = ContactKey("k1", b"0123456789abcdef")


@frozen
class Holder:
    contact: Masked


def raised(contact: Masked) -> str:
    return "".join(traceback.format_exception(Permanent("bad", f"{contact}")))


def logged(contact: Masked) -> str:
    return logging.LogRecord("a", 1, "b", 1, "%s %r", (contact, contact), None).getMessage()


SHOWN: list[Callable[[Masked], str]] = [
    repr,
    str,
    "{}".format,
    "{!r:>40}".format,
    lambda contact: f"{contact} {contact!r} {contact!s} {contact:>30}",
    lambda contact: "%s %r" % (contact, contact),  # noqa: UP031  # as logging does
    lambda contact: repr([contact, {contact: contact}, Holder(contact)]),
    lambda contact: str(asdict(Holder(contact))),
    lambda contact: json.dumps(asdict(Holder(contact)), default=str),
    raised,
    logged,
]


def forms(contact: Masked) -> list[str]:
    """All by which somebody who looks for the contact could find it."""
    text = contact.reveal()
    return [text, text.lower(), text.lstrip("+"), text[2:], text[:-2], text.partition("@")[0]]


@pytest.mark.parametrize("contact", [Phone(NUMBER), Email(ADDRESS)])
@pytest.mark.parametrize("show", SHOWN)
def test_a_contact_hides_however_it_is_shown(
    show: Callable[[Masked], str], contact: Masked
) -> None:
    shown = show(contact)
    assert not [form for form in forms(contact) if form in shown]
    assert "…" in shown or "\\u2026" in shown


@pytest.mark.parametrize("contact", [Phone(NUMBER), Email(ADDRESS)])
def test_what_unfolds_values_finds_nothing_to_unfold_in_a_contact(contact: Masked) -> None:
    assert asdict(Holder(contact)) == {"contact": contact}
    assert not hasattr(contact, "__dict__")
    with pytest.raises(TypeError) as caught:
        json.dumps({"contact": contact})
    assert not [form for form in forms(contact) if form in str(caught.value)]


@pytest.mark.parametrize("contact", [Phone(NUMBER), Email(ADDRESS)])
def test_a_contact_travels_between_processes_and_never_changes(contact: Masked) -> None:
    sent = pickle.loads(pickle.dumps(contact))  # noqa: S301  # written by ourselves
    for twin in (copy.copy(contact), copy.deepcopy(contact), sent):
        assert twin == contact
        assert hash(twin) == hash(contact)
        assert twin.reveal() == contact.reveal()
    with pytest.raises(AttributeError) as caught:
        contact._text = "+12125550199"  # noqa: SLF001  # that is what must not work
    assert NUMBER not in str(caught.value)


@given(text=st.text(max_size=20) | st.from_regex(r"\A\+?[0-9]{0,20}\n?\Z"))
def test_whatever_is_no_contact_is_refused_without_being_shown(text: str) -> None:
    refusals = {Phone: "bad_phone: not in E.164 form", Email: "bad_email: not an address"}
    for kind, refusal in refusals.items():
        try:
            kept = kind(text).reveal() == text
        except Permanent as error:
            kept = str(error) == refusal
        assert kept


def test_a_phone_is_no_email_and_no_text() -> None:
    assert Phone(NUMBER) != NUMBER
    assert Phone(NUMBER) == Phone(NUMBER)
    assert Phone(NUMBER) != Phone("+12125550124")
    assert len({Phone(NUMBER), Email(ADDRESS), NUMBER}) == 3


@pytest.mark.parametrize(
    "text",
    [
        *("a@b", "a@@b.c", "@b.co", "a@", "a b@c.co", "a@b.co\nBcc: x@y.co", "a@b.co\x00"),
        *(
            ".a@b.co",
            "a.@b.co",
            "a..b@c.co",
            "a@-b.co",
            "a@b-.co",
            "a@b..co",
            "a@.co",
            "a@b.co.",
        ),
        *('"a b"@c.co', "a@[127.0.0.1]", "a@127.0.0.1", "A <a@b.co>", "a@b.co, c@d.co", ""),
        *("a@b_c.co", f"{'a' * 65}@b.co", f"a@{'b' * 64}.co", "a@b.c0m\r", "a\t@b.co"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    bare = text.strip(" \t\r\n")
    if bare == text:
        assert parse_email(text) == EmailProblem(EmailReason.NOT_AN_ADDRESS)
    with pytest.raises(Permanent, match="bad_email"):
        Email(text)


def test_an_address_of_other_letters_or_too_many_is_refused_by_name() -> None:
    for text in (
        "jos\u00e9@example.com",
        "a@m\u00fcller.example",
        "a\uff20b.co",
        "a@b.co\ud800",
    ):
        assert parse_email(text) == EmailProblem(EmailReason.NOT_ASCII)
    long = f"a@{'.'.join(['b' * 60] * 5)}.co"
    assert parse_email(long) == EmailProblem(EmailReason.TOO_LONG)
    assert parse_email("a@b.co" * 1_000_000) == EmailProblem(EmailReason.TOO_LONG)


locals_ = st.from_regex(r"\A[A-Za-z0-9_%+-]{1,20}(\.[A-Za-z0-9_%+-]{1,20}){0,2}\Z")
labels = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)
addresses = st.builds(
    lambda local, label, top: f"{local}@{label}.{top}",
    locals_,
    labels,
    st.sampled_from(["com", "ca", "co.uk", "xn--p1ai", "Museum"]),
)


@given(
    text=addresses, before=st.sampled_from(["", " ", "\t"]), after=st.sampled_from(["", "\r\n"])
)
def test_an_address_is_sent_to_as_typed(text: str, before: str, after: str) -> None:
    read = parse_email(before + text + after)
    assert isinstance(read, Email)
    assert read.reveal() == text
    assert parse_email(read.reveal()) == read


@given(text=addresses)
def test_capitals_make_no_other_contact_though_another_spelling(text: str) -> None:
    one, other = Email(text), Email(text.swapcase())
    assert compared(one) == compared(other)
    assert contact_hash(one, KEY) == contact_hash(other, KEY)
    assert compared(Email(compared(one))) == compared(one)


def test_dots_and_tags_stay_part_of_who_it_is() -> None:
    spelled = ["canary.fan@example.com", "canaryfan@example.com", "canaryfan+tm@example.com"]
    assert len({contact_hash(Email(text), KEY) for text in spelled}) == 3


@given(
    one=st.integers(10**9, 10**14),
    other=st.integers(10**9, 10**14),
    secret=st.binary(min_size=16),
)
def test_a_hash_tells_contacts_and_keys_apart_and_shows_neither(
    one: int, other: int, secret: bytes
) -> None:
    phones = Phone(f"+{one}"), Phone(f"+{other}")
    key = ContactKey("k2", secret)
    hashes = [contact_hash(phone, key) for phone in phones]
    assert (hashes[0] == hashes[1]) is (one == other)
    assert hashes[0] == contact_hash(phones[0], ContactKey("k2", secret))
    assert hashes[0].startswith("k2.")
    assert len(hashes[0]) == len("k2.") + 32
    assert str(one) not in hashes[0]
    assert secret == KEY.secret or hashes[0][3:] != contact_hash(phones[0], KEY)[3:]
    assert repr(secret) not in repr(key)


def test_a_hash_never_changes_from_one_version_of_us_to_the_next() -> None:
    assert contact_hash(Phone(NUMBER), KEY) == "k1.94a2b43a983601a54de02771856e0e17"
    assert contact_hash(Email(ADDRESS), KEY) == "k1.8f467ed002df827fedc0168047472be0"


def test_a_contact_is_found_under_retired_keys_too() -> None:
    old = ContactKey("k0", b"fedcba9876543210")
    phone = Phone(NUMBER)
    found = contact_hashes(phone, [KEY, old])
    assert found == (contact_hash(phone, KEY), contact_hash(phone, old))


@pytest.mark.parametrize(
    ("key_id", "secret"),
    [
        ("", b"0" * 16),
        ("a.b", b"0" * 16),
        ("a#", b"0" * 16),
        ("a\n", b"0" * 16),
        ("k", b"0" * 15),
    ],
)
def test_a_key_that_hides_nothing_or_breaks_the_form_is_refused(
    key_id: str, secret: bytes
) -> None:
    with pytest.raises(WiringError):
        ContactKey(key_id, secret)
