"""A brand: under whose name tickets are sold. A link that belongs to none is not passed on."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TICKETMASTER: Final = "ticketmaster"
LIVE_NATION: Final = "livenation"

# Each with all hosts below it.
HOSTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ticketmaster.com": TICKETMASTER,
        "ticketmaster.ca": TICKETMASTER,
        "livenation.com": LIVE_NATION,
        "livenation.ca": LIVE_NATION,
    }
)
_SHOPS: Final[Mapping[str, str]] = {TICKETMASTER: "TM", LIVE_NATION: "LN"}

# No user, no port, no other scheme, and nothing that some reader takes for the end of the host.
_LINK: Final = re.compile(r"https://(?P<host>[a-z0-9.-]+)(?:[/?#][!-\[\]-~]*)?", re.IGNORECASE)
LINK_LENGTH_MAX: Final = 2048


def host_of(url: str) -> str | None:
    """The host of an https link in plain ASCII; None for anything else."""
    link = _LINK.fullmatch(url) if len(url) <= LINK_LENGTH_MAX else None
    return link["host"].lower() if link else None


def brand_of(url: str, hosts: Mapping[str, str] = HOSTS) -> str | None:
    """Whose page *url* is; None unless its host is one of *hosts* or below one."""
    parts = (host_of(url) or "").split(".")
    return next(
        (hosts[above] for n in range(len(parts)) if (above := ".".join(parts[n:])) in hosts),
        None,
    )


def storefront_of(brand: str, country: str) -> str:
    """The shop of *brand* for *country*; where there is none, the one in the US."""
    return f"{_SHOPS[brand]}_{'CA' if country == 'CA' else 'US'}"
