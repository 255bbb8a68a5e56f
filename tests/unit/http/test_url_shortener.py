"""What the shortener's answers mean for a link."""

import json
from datetime import timedelta

import pytest
from attrs import evolve

from demand_adapters.http.calls import Patience
from demand_adapters.http.url_shortener import bitly
from demand_adapters.testing.strategies import NOON
from demand_core.errors import DemandError, Permanent, Transient, Unknown, WiringError
from entrypoints.twins.serving import Said, document
from tests.served import TOKEN, URL, desk


def said(status: int, word: str) -> Said:
    return document(status, {"message": word, "description": URL, "resource": "bitlinks"})


@pytest.mark.parametrize(
    "link",
    [
        None,
        7,
        "",
        "sho.rt/abc",
        "http://sho.rt/abc",
        "https://sho.rt",
        "https://sho.rt/",
        "https://sho.rt/a b",
        "https://sho.rt/abc\n",
        "https://sho.rt/a/b",
        "https://sho.rt/abc?d",
        "https://sho.rt/é",
        "https://sho.rt/\u202eabc",
        "https://sho.rt:444/abc",
        "https://sho.rt@evil.example/abc",
        "https://evil.example/abc",
        "https://shoxrt/abc",
        "https://sho.rt/" + "a" * 25,
    ],
)
def test_a_link_that_is_not_the_services_own_is_none(link: object) -> None:
    answer = document(200, {"link": link})
    with desk(answer, patience=Patience()) as both, pytest.raises(Unknown) as failed:
        both.shortener.shorten(URL)
    assert "200" in str(failed.value)


@pytest.mark.parametrize("status", [200, 201])
def test_a_new_link_and_an_old_one_are_both_links(status: int) -> None:
    with desk(document(status, {"link": "https://sho.rt/a-B_9"}), patience=Patience()) as both:
        assert both.shortener.shorten(URL) == "https://sho.rt/a-B_9"


@pytest.mark.parametrize(
    ("status", "word", "told"),
    [
        (400, "INVALID_ARG_LONG_URL", Permanent),
        (400, "ALREADY_A_BITLY_LINK", Permanent),
        (400, "INVALID_ARG_DOMAIN", WiringError),
        (400, "INVALID_ARG_GROUP_GUID", WiringError),
        (400, "DNS_CONFIGURATION_ERROR", WiringError),
        (404, "NOT_FOUND", WiringError),
        (422, "UNPROCESSABLE_ENTITY", WiringError),
        (403, "FORBIDDEN", WiringError),
        (402, "UPGRADE_REQUIRED", WiringError),
        (400, "SOMETHING_ELSE", Permanent),
        (500, "INTERNAL_ERROR", Transient),
        (500, "internal error", Unknown),
        (500, URL, Unknown),
        (200, "INVALID_ARG_LONG_URL", Unknown),
        (500, "INVALID_ARG_LONG_URL", Transient),
        (200, "MONTHLY_RATE_LIMIT_EXCEEDED", Unknown),
    ],
)
def test_a_word_of_the_service_is_about_the_url_or_about_us(
    status: int, word: str, told: type[DemandError]
) -> None:
    answer = said(status, word)
    with desk(answer, patience=Patience()) as both, pytest.raises(DemandError) as failed:
        both.shortener.shorten(URL)
    assert type(failed.value) is told
    assert URL not in str(failed.value)


@pytest.mark.check("N-OUT2")
@pytest.mark.parametrize("status", [402, 403, 429])
@pytest.mark.parametrize(
    "word", ["MONTHLY_RATE_LIMIT_EXCEEDED", "BRANDED_LINK_MONTHLY_LIMIT_EXCEEDED"]
)
def test_a_quota_that_is_used_up_is_asked_again_on_another_day(status: int, word: str) -> None:
    answer = said(status, word)
    with desk(answer, patience=Patience()) as both, pytest.raises(Transient) as failed:
        both.shortener.shorten(URL)
    assert type(failed.value) is Transient
    assert failed.value.retry_at == NOON.replace(hour=0) + timedelta(days=1)
    assert word in str(failed.value)


def test_a_link_of_its_own_stays_as_it_is() -> None:
    with desk(said(400, "ALREADY_A_BITLY_LINK"), patience=Patience()) as both:
        assert both.shortener.shorten("https://sho.rt/abc") == "https://sho.rt/abc"


def test_a_wrong_token_is_a_mistake_of_ours_and_no_urls() -> None:
    with desk(patience=Patience(), token="another") as both:  # noqa: S106  # a wrong one
        with pytest.raises(WiringError) as failed:
            both.shortener.shorten(URL)
        assert both.memory.history == []
    assert "another" not in str(failed.value)


def test_a_wrong_domain_is_a_mistake_of_ours_and_no_urls() -> None:
    with desk(patience=Patience()) as both, pytest.raises(WiringError):
        evolve(both.shortener, host="bit.ly").shorten(URL)
    assert both.memory.history == []


def test_a_group_is_named_if_there_is_one() -> None:
    with desk(patience=Patience()) as both:
        evolve(both.shortener, group="Bexample").shorten(URL)
        both.shortener.shorten(URL)
    groups = [json.loads(asked.body).get("group_guid") for asked in both.asked]
    assert groups == ["Bexample", None]


def test_what_asks_bitly_shows_no_token() -> None:
    asks = bitly(TOKEN)
    assert asks.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert TOKEN not in repr(asks)
    with pytest.raises(WiringError):
        bitly("")
