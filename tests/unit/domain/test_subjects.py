"""A subject is found by whoever has the secret and asks for him, and by nobody else."""

import hmac
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.contacts import ContactKey
from demand_core.domain.ids import netstring
from demand_core.domain.subjects import BYTES, NamedBy, subject_hash

KEY: Final = ContactKey("one", b"sixteen bytes at least")
OTHER: Final = ContactKey("two", b"another sixteen bytes")
kinds: Final[st.SearchStrategy[NamedBy]] = st.sampled_from(["fan", "phone", "email"])
words: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(named_by=kinds, text=words)
def test_a_hash_is_of_its_purpose_its_kind_and_its_text(named_by: NamedBy, text: str) -> None:
    compared = text.lower() if named_by == "email" else text
    of = netstring("demand.subject/1", named_by, compared)
    wanted = hmac.digest(KEY.secret, of, "sha256")[:BYTES]
    assert subject_hash(named_by, text, KEY) == wanted
    assert subject_hash(named_by, text, OTHER) != wanted


@given(text=words)
def test_the_same_text_as_another_kind_is_another_subject(text: str) -> None:
    kinds_of: tuple[NamedBy, ...] = ("fan", "phone", "email")
    assert len({subject_hash(kind, text, KEY) for kind in kinds_of}) == len(kinds_of)


def test_an_address_counts_without_its_capitals() -> None:
    one, other = (
        subject_hash("email", text, KEY) for text in ("A@Example.org", "a@example.org")
    )
    assert one == other
