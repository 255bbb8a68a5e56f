"""Everybody wants to be told of one sale, and everybody who can be reached is, in time."""

import pytest

from entrypoints.simulation.scenarios import play


@pytest.mark.check("N-UC2", "N-S5", "N-CAP5", "PERF-002")
def test_fifty_thousand_fans_of_one_sale_are_told_within_ten_minutes() -> None:
    report = play("bulk", seed=1)
    assert report.differences == []
    seen = report.observed
    assert (seen["total"], seen["delivered"], seen["failed"]) == (50_000, 49_500, 500)
    assert (seen["discovery_fetches"], seen["duplicates"], seen["bad_retried"]) == (1, 0, 0)
    # The slot opens 28 minutes before a reminder is of no more use.
    assert 18 * 60 <= seen["spare_told_s"] <= seen["spare_made_s"] <= 28 * 60
