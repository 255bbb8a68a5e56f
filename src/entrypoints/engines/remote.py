"""Remote services over HTTP, the same for every profile that has real ones."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property

from demand_adapters.event_source import SparingEventSource
from demand_adapters.http.calls import Calls, Service
from demand_adapters.http.event_source import HttpEventSource, discovery
from demand_adapters.http.sms_sender import HttpSmsSender, gateway
from demand_adapters.http.url_shortener import HttpUrlShortener, bitly
from demand_core.domain.contacts import ContactKey
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock
from demand_core.ports.event_source import EventSource
from demand_core.ports.sms_sender import SmsSender
from demand_core.ports.url_shortener import UrlShortener
from entrypoints.needs import is_twin
from entrypoints.settings import Settings


class Services:
    """Those that are somebody else's, each built when it is asked for, called later still."""

    def __init__(self, settings: Settings, clock: Clock, stack: ExitStack) -> None:
        """Whatever is opened is closed with *stack*."""
        self._settings = settings
        self._clock = clock
        self._stack = stack

    @cached_property
    def shortener(self) -> UrlShortener:
        """Short links."""
        settings = self._settings
        key = secret(settings.shortener_key_variable)
        url = settings.shortener_url
        return HttpUrlShortener(
            calls=self._calls(bitly(key, url=url, loopback=is_twin(url))),
            host=settings.shortener_domain,
            group=settings.shortener_group or None,
        )

    @cached_property
    def event_source(self) -> EventSource:
        """Where events come from; all loops of a process share what one of them asks."""
        url = self._settings.event_source_url
        source = HttpEventSource(
            calls=self._calls(discovery(url=url, loopback=is_twin(url))),
            key=secret(self._settings.event_source_key_variable) or "none",
        )
        return SparingEventSource(source=source, clock=self._clock)

    @cached_property
    def sms(self) -> SmsSender:
        """Whoever brings texts to phones."""
        settings = self._settings
        key, url = secret(settings.sms_key_variable), settings.sms_url
        return HttpSmsSender(
            calls=self._calls(gateway(key, url=url, loopback=is_twin(url))),
            provider=settings.sms_provider,
            sender=settings.sms_sender,
            capability=settings.capability,
        )

    def _calls(self, service: Service) -> Calls:
        return self._stack.enter_context(closing(Calls(service=service, clock=self._clock)))


@contextmanager
def remote(settings: Settings, clock: Clock) -> Iterator[Services]:
    """All of them."""
    with ExitStack() as stack:
        yield Services(settings, clock, stack)


def contact_keys(settings: Settings) -> Sequence[ContactKey]:
    """Those of the environment, the one in force first; raises WiringError for none."""
    name = settings.contact_key_variable
    pairs = [pair.partition(":") for pair in (secret(name) or "").split(",") if pair]
    if not pairs:
        raise WiringError(f"{name or 'DEMAND_CONTACT_KEY_VARIABLE'} gives no contact key")
    return [ContactKey(key_id, secret.encode()) for key_id, _, secret in pairs]


def secret(variable: str) -> str | None:
    """What the environment variable holds that a setting names."""
    return os.environ.get(variable) or None
