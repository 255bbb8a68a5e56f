"""How ids are spelled, and what is computed from them."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.ids import ALPHABETS, SHARDS, checked, digest, netstring, shard
from demand_core.errors import Permanent

GOOD = {
    "fanId": ["f", "A_b-9", "x" * 64],
    "globalUserId": ["g1"],
    "memberId": ["m1"],
    "eventId": ["vvG1zZ9YXbC0aE", "-", "x" * 64],
    "saleId": ["E1.public", "E1.p0123456789ab", "x" * 64 + ".public"],
    "demandSaleId": ["E1.public", "E1.p0123456789ab", "E1.any"],
    "campaignId": ["C1", "0" * 40],
    "marketId": ["m", "9-a-", "m" * 40],
    "storefront": ["TM_US", "TM_CA", "LN_US", "LN_CA"],
    "waveId": ["C1_first", "C1_0", "C" * 40 + "_" + "w" * 40],
    "dateKey": ["20250214", "20250214T0930"],
    "runId": ["20250214T093059Z-0123abcd"],
    "notificationId": ["0123456789abcdef" * 2],
    "code": ["ABCD", "0-9-", "Z" * 32],
    "changeId": ["c", "a b:c#d", "~" * 128],
    "receiptId": ["20250214T093059Z-0123abcd"],
    "erasureId": ["20250214T093059Z-0123abcd"],
}

BAD = {
    "fanId": ["x" * 65, "a.b", "a b", "é"],
    "eventId": ["x" * 65, "a.b"],
    "saleId": [
        "E1",
        "E1.any",
        "E1.Public",
        "E1.p0123456789AB",
        "E1.p012",
        ".public",
        "E.1.public",
    ],
    "demandSaleId": ["E1.all", ".any"],
    "campaignId": ["C-1", "C_1", "0" * 41],
    "marketId": ["-m", "m_1", "m" * 41],
    "storefront": ["TM", "tm_us", "TM_USTM_CA"],
    "waveId": ["C1", "C1-first", "C1_", "C1_-a", "C1_First", "_first"],
    "dateKey": ["2025-02-14", "20250214T", "20250214T093"],
    "runId": ["20251314T093059Z-0123abcd", "20250214T243059Z-0123abcd", "20250214T093059Z"],
    "notificationId": ["0123456789ABCDEF" * 2, "0" * 31, "0" * 33],
    "code": ["ABC", "abcd", "-ABC", "Z" * 33],
    "changeId": ["~" * 129, "a\tb", "é"],
}

# Full-width and Arabic digits, a trailing newline: what `\d`, `\w` and `$` let through.
HOSTILE = [
    *["", " ", "\n", "#", "a#b", "a:b/", "a\x00", "a" * 300, "１２３", "٤٥٦", "\ud800", "ａ"],
    *[None, 7, 1.5, True, b"E1", ["E1"], {"E1"}],
]


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in GOOD.items() for v in vs])
def test_an_id_of_its_alphabet_is_answered_as_it_is(name: str, value: str) -> None:
    assert checked(name, value) == value


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in BAD.items() for v in vs])
def test_an_id_outside_its_alphabet_is_refused(name: str, value: str) -> None:
    with pytest.raises(Permanent):
        checked(name, value)


def test_every_alphabet_has_its_examples() -> None:
    assert GOOD.keys() == ALPHABETS.keys()


@pytest.mark.parametrize("name", sorted(ALPHABETS.keys() - {"changeId"}))
@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_what_is_hostile_is_refused_under_the_name_of_the_id(name: str, value: object) -> None:
    with pytest.raises(Permanent) as refusal:
        checked(name, value)
    assert (refusal.value.code, refusal.value.detail) == ("bad_id", name)


@pytest.mark.parametrize("name", sorted(ALPHABETS))
def test_no_id_may_end_with_a_newline_however_its_pattern_is_used(name: str) -> None:
    value = GOOD[name][0] + "\n"
    with pytest.raises(Permanent):
        checked(name, value)
    assert not ALPHABETS[name].match(value)


@given(value=st.text(min_size=1).map(lambda text: f"{text}<secret>"))
def test_a_refusal_never_shows_the_value(value: str) -> None:
    with pytest.raises(Permanent) as refusal:
        checked("fanId", value)
    assert str(refusal.value) == "bad_id: fanId"
    assert refusal.value.__cause__ is refusal.value.__context__ is None


@given(name=st.sampled_from(sorted(ALPHABETS)), text=st.data())
def test_an_id_is_ascii_and_holds_no_separator_of_the_keys(
    name: str, text: st.DataObject
) -> None:
    value = text.draw(st.from_regex(ALPHABETS[name], fullmatch=True))
    assert checked(name, value).isascii()
    assert name == "changeId" or not {"#", ":", "/"} & set(value)


def read_back(netstrings: bytes) -> list[bytes]:
    """The parts of a netstring, by a reader that shares nothing with the writer."""
    parts = []
    while netstrings:
        length, _, rest = netstrings.partition(b":")
        parts.append(rest[: int(length)])
        assert rest[int(length) :][:1] == b","
        netstrings = rest[int(length) + 1 :]
    return parts


@given(
    parts=st.lists(
        st.text(
            alphabet=st.one_of(st.sampled_from("0123456789:,"), st.characters(codec="utf-8"))
        )
    )
)
def test_a_netstring_reads_back_to_its_parts(parts: list[str]) -> None:
    assert read_back(netstring(*parts)) == [part.encode() for part in parts]


@given(one=st.lists(st.text("1:,a", max_size=3)), other=st.lists(st.text("1:,a", max_size=3)))
def test_parts_cannot_run_together(one: list[str], other: list[str]) -> None:
    assert (netstring(*one) == netstring(*other)) == (one == other)


def test_a_netstring_counts_bytes_and_writes_numbers_in_decimal() -> None:
    assert netstring("é", b"\x00\xff", 12, "") == b"2:\xc3\xa9,2:\x00\xff,2:12,0:,"
    assert netstring() == b""


def test_half_a_surrogate_pair_is_refused_without_being_shown() -> None:
    for call in (netstring, digest, shard):
        with pytest.raises(Permanent) as refusal:
            call("private \ud800")
        assert refusal.value.code == "bad_text"
        assert "private" not in str(refusal.value)
        assert refusal.value.__suppress_context__


def test_a_digest_is_the_first_half_of_sha_256_over_its_netstrings() -> None:
    by_hand = hashlib.sha256(b"13:demand.send/1,8:REMINDER,2:f1,9:E1.public,3:sms,")
    send_key = digest("demand.send/1", "REMINDER", "f1", "E1.public", "sms")
    assert send_key == by_hand.hexdigest()[:32] == "065940e267d844dab0a86b9f6346030b"


def test_another_purpose_gives_another_digest() -> None:
    assert digest("demand.sale/1", "E1", "x") != digest("demand.send/1", "E1", "x")


@pytest.mark.parametrize(("of", "expected"), [("f1", "6"), ("vvG1zZ9YXbC0aE", "2"), ("é", "b")])
def test_a_shard_is_the_first_digit_of_its_digest(of: str, expected: str) -> None:
    encoded = of.encode()
    by_hand = hashlib.sha256(b"14:demand.shard/1,%d:%b," % (len(encoded), encoded)).hexdigest()
    assert shard(of) == by_hand[0] == expected


@given(of=st.text())
def test_a_shard_agrees_with_the_digest_for_every_text(of: str) -> None:
    assert shard(of) == digest("demand.shard/1", of)[0]


def test_shards_share_ten_thousand_fans_evenly() -> None:
    fans_by_shard = Counter(shard(f"fan-{number}") for number in range(10_000))
    assert sorted(fans_by_shard) == list(SHARDS)
    assert all(400 <= fans <= 850 for fans in fans_by_shard.values())
