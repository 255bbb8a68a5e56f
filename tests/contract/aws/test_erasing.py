"""A fan is forgotten in a bucket of S3 and a table of DynamoDB, on moto."""

from datetime import timedelta

import pytest

from demand_adapters.aws.calls import Aws
from tests.contract.aws.channels import a_bucket
from tests.contract.aws.tables import table_at_hand
from tests.unit.archive.canaries import FAN, Kept, entities, found_in, totals
from tests.unit.archive.days import merge
from tests.unit.archive.test_erasing import PLACES


@pytest.mark.check("P-UC3-prior")
def test_nothing_is_left_of_him_and_every_count_stays_while_days_are_merged(aws: Aws) -> None:
    with a_bucket(aws) as files, table_at_hand(aws) as below:
        kept = Kept(files=files)
        kept.table = below.table
        kept.fill()
        before = totals(files), entities(files)
        asked = kept.eraser().ask(FAN, "a test")
        merge(files, PLACES[0])
        kept.eraser().go_on([asked.erasure_id])
        merge(files, PLACES[1])
        kept.clock.advance(timedelta(minutes=20))
        (done,) = kept.eraser().go_on()
        assert done.finished
        assert found_in(kept) == []
        assert (totals(files), entities(files)) == before
