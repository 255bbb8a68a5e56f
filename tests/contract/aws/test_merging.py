"""A merge keeps its promises in a bucket of S3, on moto."""

from demand_adapters.archive.verifying import Verifier
from demand_adapters.aws.calls import Aws
from tests.contract.aws.channels import a_bucket
from tests.unit.archive.days import (
    PLACE,
    assert_merged,
    counted,
    deliver,
    fill,
    go_on,
    keys,
    merge,
)


def test_a_merge_that_was_killed_is_ended_and_every_count_is_exact(aws: Aws) -> None:
    with a_bucket(aws) as files:
        rows = fill(files, 4)
        sources = keys(files, PLACE.objects)
        for calls in (5, 15, 30, 45):
            go_on(files, calls)
            assert counted(files) == rows
        merge(files)
        deliver(files, 0, 1)
        assert counted(files) == rows
        merge(files)
        assert_merged(files, sources)
        assert counted(files) == rows
        assert Verifier(files=files).verify("demand").findings == []
