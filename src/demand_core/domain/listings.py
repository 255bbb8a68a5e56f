"""A listing: an event and its sales as the source had them at one moment."""

from attrs import frozen

from demand_core.domain.events import Event
from demand_core.domain.sales import Sale


@frozen
class Oddity:
    """Something that was passed over while reading, and its place; counted, never refused."""

    code: str
    place: str


@frozen(kw_only=True)
class Listing:
    """What one look-up brought."""

    event: Event
    sales: tuple[Sale, ...] = ()
    oddities: tuple[Oddity, ...] = ()
