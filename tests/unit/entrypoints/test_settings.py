"""The environment is read once, and all that is wrong with it is said at once."""

from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.links import LinkPolicy
from demand_core.errors import WiringError
from entrypoints.settings import PREFIX, Settings, from_environment

RATE: Final = "DEMAND_SHORTENER_PER_S"
CALLS: Final = "DEMAND_LINK_CALLS_MAX"
FIELDS: Final = attrs.fields(Settings)

# What `int` would take, and what people leave in files and forms.
ODD: Final = [
    *["", " ", "10 ", " 10", "10\n", "1_0", "+5", "-1", "-0", "1e3", "1.0", "0x10", "10s"],
    *["１０", "٣", "²", "Ⅷ", "ten", "None", "true", "\x00", "5\x00", "9" * 5000],
]


def refused(environment: dict[str, str]) -> list[str]:
    with pytest.raises(WiringError) as refusal:
        from_environment(environment)
    return str(refusal.value).split("; ")


def test_an_environment_that_says_nothing_gives_the_defaults() -> None:
    settings = from_environment({})
    assert settings == Settings(shortener_per_s=10, link_calls_max=3)
    assert settings.links == LinkPolicy()
    assert from_environment({"PATH": "/bin", "demand_x": "1", "DEMANDING": "1"}) == Settings()


def test_what_the_environment_says_is_taken() -> None:
    settings = from_environment({RATE: "25", CALLS: "5"})
    assert settings == Settings(shortener_per_s=25, link_calls_max=5)
    assert settings.links == LinkPolicy(calls_max=5)


@pytest.mark.parametrize("setting", FIELDS, ids=lambda field: field.name)
def test_every_setting_has_a_range_that_holds_its_default_and_a_sentence(
    setting: "attrs.Attribute[int]",
) -> None:
    least, most, about = (setting.metadata[key] for key in ("least", "most", "about"))
    assert setting.default is not None
    assert least <= setting.default <= most
    assert len(about.split()) >= 3


@pytest.mark.parametrize("setting", FIELDS, ids=lambda field: field.name)
def test_a_range_includes_its_ends_and_nothing_beyond(setting: "attrs.Attribute[int]") -> None:
    key = PREFIX + setting.name.upper()
    least, most = setting.metadata["least"], setting.metadata["most"]
    for value in (least, most):
        assert getattr(from_environment({key: str(value)}), setting.name) == value
    for value in (least - 1, most + 1):
        assert refused({key: str(value)}) == [
            f"{key} takes a whole number from {least} to {most}"
        ]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_only_plain_digits_are_a_number(text: str) -> None:
    assert refused({CALLS: text}) == [f"{CALLS} takes a whole number from 1 to 10"]


@given(text=st.text(max_size=6))
def test_a_text_is_a_number_in_range_or_refused(text: str) -> None:
    plain = {str(n): n for n in range(1, 11)} | {f"0{n}": n for n in range(1, 10)}
    if text in plain:
        assert from_environment({CALLS: text}).link_calls_max == plain[text]
    else:
        assert len(refused({CALLS: text})) == 1


@given(secret=st.text("!?*~", min_size=3, max_size=9))
def test_no_value_is_ever_shown(secret: str) -> None:
    environment = {RATE: secret, CALLS: secret, f"{PREFIX}SHORTENER_TOKEN": secret}
    assert secret not in "; ".join(refused(environment))


def test_all_errors_come_at_once_each_with_its_key() -> None:
    errors = refused({RATE: "0", CALLS: "many", "DEMAND_LINK_CALL_MAX": "3", "DEMAND_X": "1"})
    assert [error.split()[0] for error in errors] == [
        "DEMAND_LINK_CALL_MAX",
        "DEMAND_X",
        CALLS,
        RATE,
    ]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("DEMAND_LINK_CALLS_MAXX", CALLS),
        ("DEMAND_LINKS_CALL_MAX", CALLS),
        ("DEMAND_SHORTENER_PER_SECOND", RATE),
    ],
)
def test_a_setting_that_is_not_known_comes_with_the_one_that_is_near(
    key: str, meant: str
) -> None:
    assert refused({key: "3"}) == [f"{key} is no setting: is {meant} meant?"]


def test_a_setting_that_is_like_no_other_comes_without_a_guess() -> None:
    assert refused({"DEMAND_QQQQQQQQQQQQQQQQQQQQQQQQ": "3"}) == [
        "DEMAND_QQQQQQQQQQQQQQQQQQQQQQQQ is no setting"
    ]
