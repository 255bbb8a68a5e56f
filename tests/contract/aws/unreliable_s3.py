"""A server of S3 that fails when it is told to; the wire of `wire_faults` carries no GET."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from enum import Enum
from random import Random
from typing import Any

from attrs import evolve
from werkzeug.wrappers import Request, Response

from demand_adapters.aws.calls import Aws, Patience
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.strategies import NOON
from tests.contract.aws.serial_moto import OneByOne, serial_moto
from tests.contract.aws.wire_faults import ANSWER_WITHIN, TRIES


class Fault(Enum):
    """What happens to one call."""

    LOST = "done, and 500 by somebody on the way"
    HALF = "done, and half an answer"


class Unreliable(OneByOne):
    """All that moto knows; *coming* is what happens to the next calls, or is said instead."""

    def __init__(self) -> None:
        """Be reliable."""
        super().__init__()
        self.coming = deque[Fault | Response | None]()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, or not quite."""
        due = self.coming.popleft() if self.coming else None
        if isinstance(due, Response):
            Request(environ).get_data()  # or it would be read as the next request
            return due(environ, start_response)
        answer = Response.from_app(super().__call__, environ)
        if due is Fault.LOST:
            answer = Response("<h1>Oops</h1>", 500)
        elif due is Fault.HALF:
            whole = answer.get_data()
            headers = {"Content-Length": str(len(whole)), "Connection": "close"}
            answer.response = [whole[: len(whole) // 2]]
            answer.headers.update(headers)
        return answer(environ, start_response)


def refused(status: int, code: str) -> Response:
    """How S3 says no."""
    return Response(f"<Error><Code>{code}</Code></Error>", status, mimetype="text/xml")


@contextmanager
def unreliable_s3(aws: Aws) -> Iterator[tuple[Aws, Unreliable]]:
    """Another caller of the same account, patient for some tries and no time."""
    server = Unreliable()
    with serial_moto(server) as url:
        calling = Aws(
            clock=MemoryClock(NOON),
            sleep=lambda seconds: None,
            chance=Random(7),
            access=evolve(aws.access, endpoint_url=url, answer_within=ANSWER_WITHIN),
            patience=Patience(tries=TRIES),
        )
        with closing(calling):
            yield calling, server
