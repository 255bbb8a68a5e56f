"""A wire between a caller and an emulator that breaks when it is told to.

It carries what is sent by POST, which is everything but S3. No emulator throttles, loses an
answer or answers rubbish by itself.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from random import Random
from typing import Final
from urllib.parse import urlsplit

from attrs import evolve, frozen

from demand_adapters.aws.calls import Aws, Patience
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.strategies import NOON
from entrypoints.twins.serving import Asked, Said, Served, WireFault, document

# Enough for a call while other tests keep every core busy: one that is cut off is made again,
# and what it did is found twice. All who meet a HANG wait for so long.
ANSWER_WITHIN: Final = timedelta(seconds=2)
TRIES: Final = 3


@frozen(kw_only=True)
class Wire:
    """*aws* calls over it; *coming* is what happens to the next calls, *slept* its pauses."""

    aws: Aws
    relay: "Relay"
    coming: deque[WireFault | Said | None]
    slept: list[float]

    @property
    def asked(self) -> list[str]:
        """The operations that came through to the service."""
        return self.relay.asked

    def mend(self) -> None:
        """Forget all that was planned and done."""
        self.coming.clear()
        self.slept.clear()
        self.asked.clear()
        self.relay.deaf = 0


class Relay:
    """Passes on to the server at *url* what it is asked; *deaf* calls it only takes."""

    def __init__(self, url: str) -> None:
        """Hear nothing yet."""
        self.asked = list[str]()
        self.deaf = 0
        self._server = urlsplit(url).netloc

    def answer(self, asked: Asked, /) -> Said:
        """What the server says."""
        if self.deaf:
            self.deaf -= 1
            return document(200, {})
        self.asked.append(asked.headers.get("x-amz-target", asked.path).rpartition(".")[2])
        headers = {k: text for k, text in asked.headers.items() if k != "connection"}
        with closing(HTTPConnection(self._server, timeout=30)) as connection:
            connection.request("POST", asked.path, asked.body, headers)
            answer = connection.getresponse()
            kept = ("content-type", "x-amzn-requestid")
            told = {k: text for k, text in answer.getheaders() if k.lower() in kept}
            return Said(answer.status, answer.read(), told)

    def complaint(self, status: int, /) -> Said:
        """That it is too busy."""
        return refusal("ThrottlingException" if status < 500 else "ServiceUnavailable", status)

    def settings(self, url: str, /) -> Mapping[str, str]:
        """As any SDK is told."""
        return {"AWS_ENDPOINT_URL": url}


def refusal(code: str, status: int = 400, **more: object) -> Said:
    """How a service of AWS says no, in JSON; it quotes what it was given."""
    return document(status, {"__type": f"com.amazonaws#{code}", "message": "canary", **more})


@contextmanager
def breaking_wire(aws: Aws, *, tries: int = TRIES) -> Iterator[Wire]:
    """Another caller of the same account, patient for so many *tries* and no time."""
    url = aws.access.endpoint_url
    assert url
    coming, slept = deque[WireFault | Said | None](), list[float]()

    def plan() -> Iterator[WireFault | Said | None]:
        while True:
            yield coming.popleft() if coming else None

    relay = Relay(url)
    with Served(relay, plan=plan()) as served:
        calling = Aws(
            clock=MemoryClock(NOON),
            sleep=slept.append,
            chance=Random(7),
            access=evolve(aws.access, endpoint_url=served.url, answer_within=ANSWER_WITHIN),
            patience=Patience(tries=tries),
        )
        with closing(calling):
            yield Wire(aws=calling, relay=relay, coming=coming, slept=slept)
