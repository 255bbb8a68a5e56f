"""Everybody wants to be told of one sale, and everybody who can be reached is, in time."""

from typing import Final

import pytest

from entrypoints.simulation.scenarios import play

SCALE: Final = 0.2


@pytest.mark.check("N-UC2")
def test_ten_thousand_fans_of_one_sale_are_told_within_ten_minutes() -> None:
    report = play("bulk", seed=1, scale=SCALE)
    assert report.differences == []
    seen = report.observed
    assert (seen["total"], seen["delivered"], seen["failed"]) == (10_000, 9_900, 100)
    assert (seen["discovery_fetches"], seen["duplicates"], seen["bad_retried"]) == (1, 0, 0)
    # The slot opens 28 minutes before a reminder is of no more use.
    assert 18 * 60 <= seen["spare_told_s"] <= seen["spare_made_s"] <= 28 * 60
