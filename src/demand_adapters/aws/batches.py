"""Batch calls that take some entries and refuse others, with HTTP 200."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import define

from demand_adapters.aws.calls import Aws
from demand_core.errors import Transient, Unknown

Positions: TypeAlias = Sequence[int]


@define
class Sent:
    """The positions that were *left*, ascending, and the fault that they were left by."""

    left: Positions
    fault: Transient | None = None

    def answer(self, total: int) -> Positions:
        """What an outlet answers that was given *total* bodies; raises as it does."""
        if isinstance(self.fault, Unknown) or (self.fault and len(self.left) == total):
            raise self.fault
        return self.left


def send(
    aws: Aws, chunks: Sequence[Positions], attempt: Callable[[Positions], Positions]
) -> Sent:
    """Send every chunk, and what *attempt* answers as left again, until patience ends.

    An entry that was left at last counts as unknown if an earlier try of it had no answer.
    """
    until = aws.until()

    def persistently(chunk: Positions) -> Sent:
        sent = Sent(chunk)

        def once_more() -> None:
            sent.left = attempt(sent.left)
            if sent.left:
                raise Transient(f"{len(sent.left)} entries were not taken")

        try:
            aws.persist(once_more, until)
        except Transient as fault:
            sent.fault = fault
        return sent

    every = aws.in_parallel(persistently, chunks)
    faults = [sent.fault for sent in every if sent.fault]
    unknown = (fault for fault in faults if isinstance(fault, Unknown))
    return Sent(
        sorted(position for sent in every for position in sent.left),
        next(unknown, faults[0] if faults else None),
    )


def untaken(entries: Positions, answer: Mapping[str, Any]) -> Positions:
    """Those of *entries*, sent under their numbers, that SQS or SNS does not say it took."""
    taken = {int(entry["Id"]) for entry in answer.get("Successful", ())}
    return [entry for entry in entries if entry not in taken]
