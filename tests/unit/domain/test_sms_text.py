"""Sizes of texts against parts that are really cut, and what folding may and may not touch."""

from typing import Final
from unicodedata import category, normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from demand_core.domain.sms_text import (
    GSM_BASIC,
    GSM_EXTENSION,
    Accents,
    Encoding,
    folded,
    sms_size,
)
from demand_core.errors import Permanent

NARROW: Final = "\u202f"

# The table of the standard by its codes: 16 a row, the escape at 1B.
TABLE: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # fmt: skip
ESCAPE: Final = 0x1B
ESCAPED: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E,
    "|": 0x40, "€": 0x65,
}  # fmt: skip

any_text = st.text(st.characters(exclude_categories=["Cs"]))
gsm_text = st.text(st.sampled_from(GSM_BASIC + GSM_EXTENSION * 3))
latin_text = st.text(st.characters(max_codepoint=0x17F) | st.sampled_from("’“–…•œłđ\u0301"))
long_texts = st.lists(
    st.sampled_from(["a" * 66, "a" * 152, "€" * 76, "😀" * 33, "ê", "a", "€", "😀", "[", "é"]),
    max_size=9,
).map("".join)
either = st.sampled_from(Accents)


def septets(text: str) -> list[int] | None:
    """The codes that go over the air, or None where the table lacks a character."""
    codes = list[int]()
    for character in text:
        if character in ESCAPED:
            codes += [ESCAPE, ESCAPED[character]]
        elif character in TABLE and character != chr(ESCAPE):
            codes.append(TABLE.index(character))
        else:
            return None
    return codes


def read_septets(codes: list[int]) -> str:
    by_code = {code: character for character, code in ESCAPED.items()}
    text, rest = "", iter(codes)
    for code in rest:
        text += by_code[next(rest)] if code == ESCAPE else TABLE[code]
    return text


def cut(units: list[int], alone: int, part: int, *, opens: range) -> list[list[int]]:
    """*units* cut as late as may be, never behind one that opens a pair."""
    if len(units) <= alone:
        return [units]
    parts = list[list[int]]()
    while units:
        # An escape that is itself escaped does not occur: every pair has one opener.
        end = part - 1 if len(units) > part and units[part - 1] in opens else part
        parts.append(units[:end])
        units = units[end:]
    return parts


def sent(text: str) -> tuple[str, int, list[str]]:
    """Encoding, units and what each part reads, by cutting what really goes over the air."""
    codes = septets(text)
    if codes is not None:
        cuts = cut(codes, 160, 153, opens=range(ESCAPE, ESCAPE + 1))
        return "GSM-7", len(codes), [read_septets(part) for part in cuts]
    wide = text.encode("utf-16-be")
    units = [int.from_bytes(wide[at : at + 2]) for at in range(0, len(wide), 2)]
    cuts = cut(units, 70, 67, opens=range(0xD800, 0xDC00))
    read = [b"".join(u.to_bytes(2) for u in part).decode("utf-16-be") for part in cuts]
    return "UCS-2", len(units), read


def checked_against_the_air(text: str) -> None:
    encoding, units, parts = sent(text)
    size = sms_size(text)
    assert "".join(parts) == text
    assert (size.encoding.value, size.units, size.segments) == (encoding, units, len(parts))


@given(any_text | gsm_text | long_texts)
def test_a_size_is_what_cutting_the_units_on_the_air_gives(text: str) -> None:
    checked_against_the_air(text)
    assert sms_size(text).segments >= 1


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 80 + "a", "GSM-7", 161, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("é" * 160, "GSM-7", 160, 1),
        ("\r\n" * 80, "GSM-7", 160, 1),
        ("a" * 159 + "ê", "UCS-2", 160, 3),
        ("ê" * 70, "UCS-2", 70, 1),
        ("ê" * 71, "UCS-2", 71, 2),
        ("ê" * 134, "UCS-2", 134, 2),
        ("ê" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        ("a" * 66 + "😀" + "a" * 66, "UCS-2", 134, 3),
        ("€" * 69 + "ê", "UCS-2", 70, 1),
        ("a" * 159 + NARROW, "UCS-2", 160, 3),
        ("e\u0301", "UCS-2", 2, 1),
        ("\x1b", "UCS-2", 1, 1),
    ],
)
def test_sizes_at_every_edge_are_as_published(
    text: str, encoding: str, units: int, segments: int
) -> None:
    size = sms_size(text)
    assert (size.encoding.value, size.units, size.segments) == (encoding, units, segments)


@given(any_text)
def test_culprits_are_all_that_gsm_lacks_each_where_it_stands(text: str) -> None:
    size = sms_size(text)
    found = {at: c.character for c in size.culprits for at in c.positions}
    assert found == {at: sign for at, sign in enumerate(text) if septets(sign) is None}
    assert len({c.character for c in size.culprits}) == len(size.culprits)
    assert (size.encoding is Encoding.UCS_2) == bool(found)


def test_a_culprit_is_named_as_unicode_names_it() -> None:
    curly, narrow, control = sms_size(f"it’s 10{NARROW}AM, it’s\x00").culprits
    assert (curly.code_point, curly.name) == ("U+2019", "RIGHT SINGLE QUOTATION MARK")
    assert curly.positions == (2, 14)
    assert (narrow.code_point, narrow.name) == ("U+202F", "NARROW NO-BREAK SPACE")
    assert (control.code_point, control.name) == ("U+0000", "without a name")


def test_half_a_surrogate_pair_is_refused_and_not_shown() -> None:
    with pytest.raises(Permanent, match="half a surrogate pair") as refused:
        sms_size("secret \ud83d")
    assert "secret" not in str(refused.value)


def test_a_size_shows_nothing_of_its_text() -> None:
    assert "椎" not in repr(sms_size("椎名林檎"))


@given(any_text | latin_text, either)
@example("e\u200d\u0301", Accents.STRIP)
def test_folding_twice_is_folding_once(text: str, accents: Accents) -> None:
    once = folded(text, accents)
    assert folded(once, accents) == once


@given(any_text | latin_text, either)
def test_nothing_folded_steers_or_hides(text: str, accents: Accents) -> None:
    kept = folded(text, accents)
    assert not {category(sign) for sign in kept} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert all(sign == " " for sign in kept if sign.isspace())


@given(st.text(st.sampled_from("椎名林檎がКиной한국あ😀≠☮ب")), either)
def test_what_no_latin_letter_stands_for_is_never_lost(text: str, accents: Accents) -> None:
    assert folded(text, accents) == normalize("NFC", text)


@given(gsm_text)
def test_french_folding_leaves_alone_what_gsm_has(text: str) -> None:
    assert folded(text, Accents.KEEP_GSM) == "".join(" " if s.isspace() else s for s in text)


@given(latin_text)
def test_latin_letters_always_fold_into_gsm(text: str) -> None:
    for accents in Accents:
        letters = [s for s in folded(text, accents) if s.isalpha() and s not in "ĸµ"]
        assert sms_size("".join(letters)).encoding is Encoding.GSM_7


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("Beyoncé", "Beyonce", "Beyoncé"),
        ("Céline à Québec", "Celine a Quebec", "Céline à Québec"),
        ("Françoise Hardy", "Francoise Hardy", "Francoise Hardy"),
        ("Zoë, août, reçu, forêt", "Zoe, aout, recu, foret", "Zoe, aout, recu, foret"),
        ("Mötley Crüe", "Motley Crue", "Mötley Crüe"),
        ("Beyonce\u0301", "Beyonce", "Beyoncé"),
        ("MØ, Ænima, Straße", "MØ, Ænima, Straße", "MØ, Ænima, Straße"),
        ("Sigur Rós, Łódź, œuvre", "Sigur Ros, Lodz, oeuvre", "Sigur Ros, Lodz, oeuvre"),
        ("l’Est – “so”… « là »", 'l\'Est - "so"... " la "', 'l\'Est - "so"... " là "'),
        (f"10{NARROW}AM\u00a0PT\u3000x\ty\u2028z", "10 AM PT x y z", "10 AM PT x y z"),
        ("a\u200bb\u202ec\u2066d\ufeffe\x07f\x1bg", "abcdefg", "abcdefg"),
        ("ＡＢＣ ½ ™ ﬁ", "ABC 1/2 TM fi", "ABC 1/2 TM fi"),
        ("Z̷̢a͠l̶g̵o", "Zalgo", "Zalgo"),
        ("椎名林檎 が Кино й", "椎名林檎 が Кино й", "椎名林檎 が Кино й"),
        ("≠ 😀 ¨", "≠ 😀 ¨", "≠ 😀 ¨"),
    ],
)
def test_names_are_written_plainly_and_never_wrongly(
    text: str, english: str, french: str
) -> None:
    assert folded(text, Accents.STRIP) == english
    assert folded(text, Accents.KEEP_GSM) == french
