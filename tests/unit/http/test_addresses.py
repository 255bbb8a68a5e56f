"""Where calls may go."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.http.addresses import check_url, is_loopback, is_public, resolved
from demand_core.errors import WiringError

HOSTS: Final = frozenset({"api-ssl.bitly.com", "2130706433", "127.0.0.1", "localhost"})
CANARY: Final = "hunter2"

OWN: Final = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]
NOT_PUBLIC: Final = [
    *OWN,
    "0.0.0.0",  # noqa: S104  # nobody listens there, it must be refused
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "2002:808:808::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]
PRIVATE: Final = [
    IPv4Network(net)
    for net in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16")
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_the_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "67.199.248.20", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_what_is_the_internet_is_public_and_not_our_own(address: str) -> None:
    assert is_public(address)
    assert not is_loopback(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_only_this_machine_is_its_own(address: str) -> None:
    assert is_loopback(address) is (address in OWN)


@given(st.sampled_from(PRIVATE).flatmap(lambda net: st.ip_addresses(v=4, network=str(net))))
def test_a_private_address_is_not_public_however_it_is_wrapped(address: object) -> None:
    inner = IPv4Address(str(address))
    for form in (f"{inner}", f"::ffff:{inner}", f"64:ff9b::{inner}", f"::{inner}"):
        assert not is_public(form)


@pytest.mark.parametrize("spelled", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1"])
def test_a_number_that_resolves_to_this_machine_is_seen_as_such(spelled: str) -> None:
    found = resolved(spelled, 443)
    assert found
    assert not any(map(is_public, found))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api-ssl.bitly.com",
        "http://api-ssl.bitly.com",
        "ftp://api-ssl.bitly.com",
        "https://api-ssl.bitly.com:8443",
        "https://api-ssl.bitly.com:",
        f"https://{CANARY}@api-ssl.bitly.com",
        f"https://api-ssl.bitly.com:{CANARY}@evil.example.com",
        f"https://api-ssl.bitly.com?key={CANARY}",
        f"https://api-ssl.bitly.com#{CANARY}",
        "https://API-SSL.bitly.com",
        "https://api-ssl.bitly.com.",
        "https://api-ssl.bitly.com\n",
        "https://api-ssl.bitly.com/a b",
        "https://api-ssl.bitly.com\\@evil.example.com",
        "https://evil.example.com",
        "https://api-ssl.bitly.com.evil.example.com",
        "https://evil-api-ssl.bitly.com",
        "https://bitly.com",
        "https://bítly.com",
        "https://127.0.0.1",
        "https://2130706433",
        "https://[::1]",
        "https://localhost",
    ],
)
def test_only_a_listed_host_may_be_called_and_only_by_https(url: str) -> None:
    with pytest.raises(WiringError) as refusal:
        check_url(url, HOSTS, loopback=False)
    assert CANARY not in str(refusal.value)


@pytest.mark.parametrize("end", ["", ":443", "/v4", "/a-b/c.d"])
def test_a_listed_host_may_be_called(end: str) -> None:
    assert may_be_called(f"https://api-ssl.bitly.com{end}", loopback=False)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("https://twin.test:8443/a", True),
        ("http://127.0.0.1:8080?a", False),
        ("http://a:b@127.0.0.1:8080", False),
        ("ftp://127.0.0.1", False),
        ("http://127.0.0.1:", False),
    ],
)
def test_a_twin_may_have_any_name_and_port_but_no_user(url: str, may: bool) -> None:
    assert may_be_called(url, loopback=True) is may


def may_be_called(url: str, *, loopback: bool) -> bool:
    try:
        check_url(url, HOSTS, loopback=loopback)
    except WiringError:
        return False
    return True


def test_the_resolver_names_each_address_once() -> None:
    found: Sequence[str] = resolved("localhost", 80)
    assert found
    assert len(set(found)) == len(found)
    assert all(map(is_loopback, found))
