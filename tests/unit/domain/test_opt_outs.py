"""What a text to us means, and that the last word on a contact is one whatever the order."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, instants, texts
from demand_core.domain.opt_outs import (
    Consent,
    ConsentSource,
    OptOut,
    Reply,
    keyword,
    latest,
    meaning,
    opted_out,
    said_by_text,
)

words = st.sampled_from(["STOP", "Arr\u00eat", "START", "oui", "HELP", "aide", "unsubscribe"])
opt_outs = st.builds(
    OptOut,
    state=st.sampled_from(Consent),
    at=instants | st.just(NOON),
    source=st.sampled_from(ConsentSource),
    word=st.none() | st.sampled_from(["stop", "start"]),
    brand=st.none() | st.sampled_from(["ticketmaster", "livenation"]),
    evidence=st.none() | texts,
)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "STOP",
            "stop",
            " Stop. ",
            "STOP!!!",
            "\u00abstop\u00bb",
            "Stop please",
            "please, stop",
        ),
        *(
            "STOP STOP STOP",
            "ＳＴＯＰ",
            "st\u200bop",
            "STOP\n",
            "STOPALL",
            "stop all",
            "Opt-out",
        ),
        *("END", "cancel", "Unsubscribe", "quit", "revoke", "opt out", "OptOut", "remove me"),
        *("STOP texting me", "Don't text me", "do not text me"),
        *(
            "ARRET",
            "Arr\u00eat",
            "arre\u0302t",
            "ARR\u00caT svp",
            "arr\u00eatez",
            "d\u00e9sabonner",
        ),
        *("Me d\u00e9sabonner", "d\u00e9sabonnez-moi", "annuler", "d\u00e9sinscription"),
    ],
)
def test_who_tells_us_to_stop_in_english_or_french_is_understood(text: str) -> None:
    assert meaning(text) is Reply.OUT


@pytest.mark.parametrize("text", ["START", "Unstop", "yes!", "opt in", "OUI", "D\u00e9but"])
def test_who_wants_to_hear_from_us_again_is_understood(text: str) -> None:
    assert meaning(text) is Reply.IN


@pytest.mark.parametrize("text", ["HELP", "please help", "Info?", "AIDE", "aide, svp"])
def test_who_asks_for_help_is_understood_and_changes_nothing(text: str) -> None:
    assert meaning(text) is Reply.HELP
    assert said_by_text(text, NOON) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "please", "don't stop", "stop start", "start stop", "stopped", "bus stop"),
        *(
            "yes stop",
            "when does it start?",
            "no",
            "non",
            "ok",
            "the end",
            "STOP" * 100,
            "\x00",
        ),
        *("st op", "stop 1", "STOP " * 200, "\ud800"),
    ],
)
def test_any_other_text_means_nothing(text: str) -> None:
    assert meaning(text) is None
    assert said_by_text(text, NOON) is None


@given(text=texts | words, sign=st.sampled_from(["", ".", "!", " ", "\t", "\u00a0", "\u200f"]))
def test_signs_capitals_and_blanks_around_a_text_change_nothing(text: str, sign: str) -> None:
    assert keyword(keyword(text)) == keyword(text)
    assert meaning(sign + text + sign) is meaning(text)
    assert meaning(text.upper()) is meaning(text)


@given(text=texts | words)
def test_only_a_word_of_the_table_is_ever_kept(text: str) -> None:
    said = said_by_text(text, NOON, "ticketmaster")
    assert (said is None) is (meaning(text) in {None, Reply.HELP})
    if said:
        assert meaning(said.word or "") is Reply[said.state.value]
        assert (said.at, said.source, said.brand) == (
            NOON,
            ConsentSource.KEYWORD,
            "ticketmaster",
        )


@given(said=st.lists(opt_outs, min_size=1, max_size=4))
def test_the_last_word_is_the_same_in_whatever_order_it_was_learned(said: list[OptOut]) -> None:
    outcomes = set()
    for order in permutations(said):
        known = None
        for one in (*order, *order):
            known = latest(known, one)
        outcomes.add(known)
    assert len(outcomes) == 1
    (known,) = outcomes
    newest = max(one.at for one in said)
    at_last = {one.state for one in said if one.at == newest}
    assert known is not None
    assert known.at == newest
    assert opted_out(known) is (Consent.OUT in at_last)


def test_nobody_is_out_who_never_said_so() -> None:
    assert not opted_out(None)


def test_stop_then_start_then_stop_is_followed_step_by_step() -> None:
    known = None
    for minute, (text, out) in enumerate(
        [("STOP", True), ("START", False), ("ARR\u00caT", True)]
    ):
        said = said_by_text(text, NOON + timedelta(minutes=minute))
        assert said is not None
        known = latest(known, said)
        assert opted_out(known) is out


def test_evidence_does_not_show() -> None:
    said = OptOut(state=Consent.OUT, at=NOON, source=ConsentSource.API, evidence="canary")
    assert "canary" not in repr(said)
