"""The environment is read once, and all that is wrong with it is said at once."""

from pathlib import Path
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.links import LinkPolicy
from demand_core.errors import WiringError
from entrypoints.needs import lacking
from entrypoints.setting_places import (
    PREFIX,
    environment_layer,
    flag,
    from_environment,
    layers,
    read,
    value_of,
    variable,
)
from entrypoints.settings import FIELDS, Settings

RATE: Final = "DEMAND_SHORTENER_PER_S"
CALLS: Final = "DEMAND_LINK_CALLS_MAX"

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


@pytest.mark.parametrize("setting", FIELDS.values(), ids=lambda field: field.name)
def test_every_setting_takes_its_default_and_has_a_sentence(
    setting: "attrs.Attribute[object]",
) -> None:
    kind, about = setting.metadata["kind"], setting.metadata["about"]
    if setting.default != "":
        assert value_of(kind, str(setting.default)) == setting.default
    assert len(about.split()) >= 3
    assert len(kind.takes.split()) >= 2


@pytest.mark.parametrize(
    ("key", "least", "most"), [(CALLS, 1, 10), (RATE, 1, 1000)], ids=["calls", "rate"]
)
def test_a_range_includes_its_ends_and_nothing_beyond(key: str, least: int, most: int) -> None:
    name = key.removeprefix(PREFIX).lower()
    for value in (least, most):
        assert getattr(from_environment({key: str(value)}), name) == value
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


GOOD: Final = {
    "profile": "aws",
    "state": "there/it is",
    "table": "demand.test",
    "bucket": "demand-test",
    "channel_prefix": "",
    "aws_region": "us-gov-east-1",
    "aws_endpoint": "http://127.0.0.1:4566",
    "shortener_url": "https://links.example/v4",
    "ports": "shortener=ours.links:make,announcer=ours:pager",
    "shortener_domain": "links.example-band.com",
    "shortener_group": "Bk1234",
    "shortener_key_variable": "LINKS_KEY",
}
BAD: Final = {
    "profile": ["AWS", "", "gcp", "local\n"],
    "state": ["", "a\x00b", "a\nb"],
    "table": ["ab", "a" * 256, "a b", "é" * 3],
    "bucket": ["A-b", "ab", "-ab", "a" * 64],
    "channel_prefix": ["a" * 25, "a.b", "é"],
    "aws_region": ["us", "us-east", "us-east-1 ", "US-EAST-1"],
    "aws_endpoint": ["127.0.0.1:4566", "ftp://a", "http://a b", "http://u:p@a", "http://a?b"],
    "shortener_url": ["links.example", "http://", "https://u:p@links.example", "https://a#b"],
    "ports": ["shortener", "shortener=ours", "shortener=ours:a b", "=ours:make", "a=b:c,"],
    "shortener_domain": ["", "a b", "https://bit.ly", "bit.ly/", ".ly", "Bit.ly"],
    "shortener_group": ["a" * 65, "a-b", "é"],
    "shortener_key_variable": ["1a", "a-b", "a" * 129, "s3cr3t!"],
}


@pytest.mark.parametrize("name", GOOD)
def test_every_text_has_a_form(name: str) -> None:
    assert str(getattr(from_environment({variable(name): GOOD[name]}), name)) == GOOD[name]
    for text in BAD[name]:
        (error,) = refused({variable(name): text})
        assert error == f"{variable(name)} takes {FIELDS[name].metadata['kind'].takes}"


def test_what_stands_further_on_wins(tmp_path: Path) -> None:
    file = tmp_path / "demand.toml"
    file.write_text('table = "from-file"\nlink_calls_max = 5\nshortener_per_s = 20\n')
    environment = {CALLS: "6", RATE: "30"}
    settings = read(layers(environment, file, shortener_per_s=40, bucket=None))
    assert (settings.table, settings.link_calls_max) == ("from-file", 6)
    assert (settings.shortener_per_s, settings.bucket) == (40, "")


def test_the_file_is_the_one_asked_for_else_the_one_named_else_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("asked", "named", "demand"):
        (tmp_path / f"{name}.toml").write_text(f'table = "{name}"')
    named = {"DEMAND_CONFIG": "named.toml"}
    assert read(layers(named, Path("asked.toml"))).table == "asked"
    assert read(layers(named)).table == "named"
    assert read(layers({})).table == "demand"
    assert [place.origin for place in layers({})] == ["demand.toml", "environment", "flags"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("table = ", "is no TOML"),
        ("table = 1.5", "table takes a table's name"),
        ("link_calls_max = true", "link_calls_max takes a whole number"),
        ("link_call_max = 3", "link_call_max is no setting: is link_calls_max meant?"),
        ("[aws]\nregion = 'x'", "aws is no setting"),
        ("state = ['a']", "state takes a path"),
    ],
)
def test_a_file_with_a_mistake_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(WiringError, match=says.replace("?", "[?]")):
        read(layers({}, file))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WiringError, match=r"a\.toml can't be read: No such file"):
        layers({}, tmp_path / "a.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b"table = '\xff'")
    with pytest.raises(WiringError, match="is no TOML"):
        layers({}, file)


def test_errors_of_all_places_come_together(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("link_calls_max = 0")
    with pytest.raises(WiringError) as refusal:
        read(layers({RATE: "0"}, file, table="x"))
    assert [error.split()[0] for error in str(refusal.value).split("; ")] == [
        "link_calls_max",
        RATE,
        flag("table"),
    ]


def test_what_a_profile_needs_is_asked_for_at_once() -> None:
    keys = [text.split()[0] for text in lacking(Settings(profile="aws"), {})]
    assert keys == [
        *("DEMAND_BUCKET", "DEMAND_AWS_REGION", "DEMAND_SMS_URL"),
        *("DEMAND_CONTACT_KEY_VARIABLE", "DEMAND_SHORTENER_KEY_VARIABLE"),
        "DEMAND_EVENT_SOURCE_KEY_VARIABLE",
    ]
    assert lacking(Settings(profile="memory"), {}) == []


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost", "[::1]:80"])
def test_a_twin_on_this_machine_needs_no_key(host: str) -> None:
    url = f"http://{host}"
    assert lacking(Settings(shortener_url=url, event_source_url=url, sms_url=url), {}) == []


def test_a_secret_is_named_and_must_be_there() -> None:
    here = "http://127.0.0.1:1"
    named = Settings(shortener_key_variable="LINKS_KEY", event_source_url=here, sms_url=here)
    assert [text.split()[0] for text in lacking(named, {})] == ["LINKS_KEY"]
    assert lacking(named, {"LINKS_KEY": "abc"}) == []


def test_a_layer_tells_what_it_says_by_the_settings_own_names() -> None:
    assert environment_layer({CALLS: "5", "PATH": "x"}).given == {"link_calls_max": "5"}
