"""The SMS gateway in memory, served, and the client that calls it over a real socket."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from attrs import evolve, frozen

from demand_adapters.http.calls import Calls, Patience
from demand_adapters.http.sms_sender import HttpSmsSender, gateway
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.testing.sms_sender import SmsAtHand
from demand_adapters.testing.strategies import NOON
from entrypoints.twins.serving import Asked, Said, Served, WireFault
from entrypoints.twins.sms import SmsTwin

TOKEN: Final = "c4nary-t0ken"  # noqa: S105  # to be looked for


class NotingTwin(SmsTwin):
    """Keeps what it was asked."""

    def __init__(self, gateway: MemorySmsSender, clock: MemoryClock) -> None:
        super().__init__(gateway, clock, token=TOKEN)
        self.asked = list[Asked]()

    def answer(self, asked: Asked, /) -> Said:
        self.asked.append(asked)
        return super().answer(asked)


@frozen(kw_only=True)
class SmsDesk:
    """Both ends of the wire."""

    clock: MemoryClock
    memory: MemorySmsSender
    served: Served
    calls: Calls
    sms: HttpSmsSender
    asked: list[Asked]
    slept: list[float]

    @property
    def hand(self) -> SmsAtHand:
        """What contracts are tried on."""
        return SmsAtHand(
            sms=self.sms,
            clock=self.clock,
            pass_time=self.clock.advance,
            arrived=lambda: [text.order.reference for text in self.memory.history],
        )


@contextmanager
def sms_desk(
    *plan: WireFault | Said | None,
    patience: Patience | None = None,
    token: str = TOKEN,
    endless: Iterable[WireFault | None] = (),
    **memory: Any,
) -> Iterator[SmsDesk]:
    """A twin that first does what *plan* says, then what *endless* does."""
    clock, slept = MemoryClock(NOON), list[float]()
    sender = MemorySmsSender(clock, **memory)
    twin = NotingTwin(sender, clock)
    with Served(twin, plan=[*plan] or endless, drip_s=0.1) as served:
        service = gateway(token, url=served.url, loopback=True)
        service = evolve(service, patience=patience or Patience())
        calls = Calls(service=service, clock=clock, sleep=slept.append)
        with closing(calls):
            yield SmsDesk(
                clock=clock,
                memory=sender,
                served=served,
                calls=calls,
                sms=HttpSmsSender(calls=calls, capability=sender.capability),
                asked=twin.asked,
                slept=slept,
            )
