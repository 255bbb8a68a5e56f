"""An object is held to its name, its folder, its header and the schema of its rows."""

from datetime import date, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.archive_checks import day_of, header_flaws, row_check
from demand_adapters.wire.archive_contents import Content, content_of
from demand_adapters.wire.archive_objects import Batch, packed
from demand_core.domain.archive import Archivable
from demand_core.domain.changes import ChangeKind
from tests.unit.wire.test_archive import anything, changed, kept, plausible
from tests.unit.wire.test_archive_objects import a_row

DAY: Final = str(NOON.date())
DEMAND: Final = RECORD_TYPES["demand"].schema


@given(value=anything.map(plausible), kind=st.sampled_from(ChangeKind))
def test_a_row_is_of_the_day_under_which_it_is_filed(
    value: Archivable, kind: ChangeKind
) -> None:
    found = kept(changed(value, kind))
    assert day_of(found.record_type, found.row) == found.day
    check = row_check(found.record_type, str(found.day))
    assert check(found.row, RECORD_TYPES[found.record_type].schema) == ""


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"fanid": 7}, "none of its schema: wrong_type: fanid"),
        ({"email": b"x"}, "none of its schema: wrong_type: email"),
        ({"recordtype": "event"}, "another type"),
        ({"date": {**a_row(1).row["date"], "requested": NOON + timedelta(days=1)}}, "day"),
    ],
)
def test_a_row_that_does_not_belong_is_told_without_its_values(
    spoil: dict[str, Any], says: str
) -> None:
    flaw = row_check("demand", DAY)({**a_row(1).row, **spoil}, DEMAND)
    assert says in flaw


def test_a_row_without_any_date_is_of_no_day() -> None:
    assert day_of("demand", {"date": None}) is None
    assert day_of("sale", {"changedat": NOON}) == date(2025, 2, 14)


def an_object() -> tuple[str, Content]:
    (made,) = packed([a_row(1), a_row(2)], Batch(stream="s", shard="0", first="1", last="2"))
    return made.key, content_of([made.content])


def test_what_delivery_writes_has_no_flaw() -> None:
    assert list(header_flaws(*an_object())) == []


def test_a_name_or_a_header_that_is_not_true_is_told() -> None:
    key, content = an_object()
    name = key.rpartition("/")[2]
    other = evolve(content.header, metadata={"demand.schema.fingerprint": b"0"})
    cases = {
        "none that we give": (key.replace("Z-", "Z_"), content),
        "another time": (key.replace(name, f"{int(name[:8]) + 1}{name[8:]}"), content),
        "another fingerprint": (key, evolve(content, header=other)),
        "no row": (key, evolve(content, records=0)),
    }
    for says, (named, found) in cases.items():
        (flaw,) = header_flaws(named, found)
        assert says in flaw
