"""Every file of a merge has its place, and no place is that of another."""

import re
from datetime import UTC, datetime
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.wire.archive_objects import index_key
from demand_adapters.wire.merge_places import ARCHIVE, Layout, numbered
from tests.unit.domain.test_merges import a_candidate

PLACE: Final = ARCHIVE.place("demand", "2025-02-14")
AT: Final = datetime(2025, 2, 17, 3, tzinfo=UTC)
OBJECT: Final = "data/demand/partition_date=2025-02-14/20250214T120000000Z-u.avro"
LAKE: Final = Layout(
    objects="lake/{type}/{part}/",
    merged="lake/{type}/merged/{part}.{number}.avro",
    manifests="lakeManifests/{type}/{part}.",
    retired="lakeArchive/{type}/merged/{part}/",
)


def test_a_merged_object_is_named_by_its_earliest_change_and_by_all_it_is_made_of() -> None:
    first, second = a_candidate(1), a_candidate(2)
    early = evolve(first, earliest=datetime(2025, 2, 14, 12, 0, 0, 5000, tzinfo=UTC))
    key = PLACE.merged_key(1, [second, early], AT)
    assert re.fullmatch(
        r"data/demand/partition_date=2025-02-14/20250214T120000005Z-[0-9a-f-]{36}\.avro", key
    )
    assert PLACE.merged_key(1, [second, early], AT) == key
    rewritten = evolve(second, source=evolve(second.source, etag="2"))
    others = [
        PLACE.merged_key(2, [second, early], AT),
        PLACE.merged_key(1, [early, second], AT),
        PLACE.merged_key(1, [rewritten, early], AT),
        ARCHIVE.place("demand", "2025-02-15").merged_key(1, [second, early], AT),
    ]
    assert len({key, *others}) == 5


def test_without_a_time_of_its_own_it_is_named_by_ours() -> None:
    assert "/20250217T030000000Z-" in PLACE.merged_key(1, [a_candidate(1)], AT)


def test_what_goes_away_keeps_its_name_and_a_second_version_stands_beside() -> None:
    retired = "merged/demand/partition_date=2025-02-14/20250214T120000000Z-u.avro"
    assert PLACE.retired_key(OBJECT) == retired
    beside = PLACE.retired_key(OBJECT, "0123456789abcdef" * 4)
    assert beside == retired.replace(".avro", "~0123456789abcdef.avro")


def test_the_index_is_where_delivery_puts_it() -> None:
    assert PLACE.index_key(OBJECT) == index_key(OBJECT)


@pytest.mark.parametrize(
    ("key", "part"),
    [
        (OBJECT, "2025-02-14"),
        ("data/demand/partition_date=2025-02-14/x.avro.tmp", ""),
        ("data/demand/partition_date=2025-02-14/deep/x.avro", ""),
        ("data/demand/partition_date=2025-02-14", ""),
    ],
)
def test_an_object_says_its_day(key: str, part: str) -> None:
    assert ARCHIVE.part_of_object("demand", key) == part


@pytest.mark.parametrize(
    ("key", "part", "number"),
    [
        ("manifests/demand/2025-02-14.0003.2.json", "2025-02-14", (3, 2)),
        ("manifests/demand/2025-02.12345.1.json", "2025-02", (12345, 1)),
        ("manifests/demand/2025-02-14.0003.4.json", "", (0, 0)),
        ("manifests/demand/2025-02-14.json", "", (0, 0)),
    ],
)
def test_a_manifest_says_its_day_number_and_step(
    key: str, part: str, number: tuple[int, int]
) -> None:
    assert ARCHIVE.part_of_manifest("demand", key) == part
    assert numbered(key) == number


def test_a_merged_file_that_stands_apart_is_in_no_part() -> None:
    assert LAKE.part_of_object("entry", "lake/entry/2025-02/x.avro") == "2025-02"
    assert LAKE.part_of_object("entry", "lake/entry/merged/2025-02.1.avro") == ""
    key = LAKE.place("entry", "2025-02").merged_key(4, [a_candidate(1)], AT)
    assert key == "lake/entry/merged/2025-02.4.avro"
