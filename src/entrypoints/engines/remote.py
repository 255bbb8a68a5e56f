"""Remote services over HTTP, the same for every profile that has real ones."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from demand_adapters.http.calls import Calls
from demand_adapters.http.url_shortener import HttpUrlShortener, bitly
from demand_core.ports.clock import Clock
from demand_core.ports.url_shortener import UrlShortener
from entrypoints.settings import Settings, is_twin


@contextmanager
def shortener(settings: Settings, clock: Clock) -> Iterator[UrlShortener]:
    """The link shortener, called when it is needed first."""
    key = os.environ.get(settings.shortener_key_variable) or None
    service = bitly(key, url=settings.shortener_url, loopback=is_twin(settings))
    with closing(Calls(service=service, clock=clock)) as calls:
        yield HttpUrlShortener(
            calls=calls,
            host=settings.shortener_domain,
            group=settings.shortener_group or None,
        )
