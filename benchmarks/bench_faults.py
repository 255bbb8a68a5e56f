"""What the fault proxy costs a call, against the call without it. Target: at most 1 us."""

import statistics
import time
from datetime import UTC, datetime

from demand_adapters.testing.fault_plans import NoFaults
from demand_adapters.testing.faults import Faults, Invocation

CALLS = 200_000
ROUNDS = 7
TARGET_US = 1.0
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Driver:
    """The cheapest driver there can be."""

    def send(self, bodies: list[int]) -> list[int]:
        """Give back what was given."""
        return bodies


def cost_us(driver: Driver) -> float:
    """CPU microseconds of one call."""
    bodies = [1]
    began = time.process_time()
    for _ in range(CALLS):
        driver.send(bodies)
    return (time.process_time() - began) / CALLS * 1e6


def main() -> None:
    """Both in turn, medians of the rounds."""
    bare = Driver()
    faults = Faults(
        plan=NoFaults(), now=lambda: NOON, run=lambda _: None, later=lambda _when, _do: None
    )
    proxied = faults.around("driver", bare)
    with faults.inside(Invocation(1, "bench", NOON)):
        pairs = [(cost_us(proxied), cost_us(bare)) for _ in range(ROUNDS)]
    assert faults.calls == CALLS * ROUNDS, "every call went through the proxy"
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    added = statistics.median(ours - theirs for ours, theirs in pairs)
    print(f"behind the proxy {ours:.3f} us a call, bare {theirs:.3f} us")
    print(f"the proxy adds   {added:.3f} us (target {TARGET_US} us)")
    if added > TARGET_US / 0.7:
        raise SystemExit("more than the target and its noise")


if __name__ == "__main__":
    main()
