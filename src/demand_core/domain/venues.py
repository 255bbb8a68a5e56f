"""A venue: where a show takes place, and in which language one speaks of it there."""

from attrs import frozen


@frozen(kw_only=True)
class Venue:
    """A place; whatever nobody told us is absent."""

    venue_id: str | None = None
    name: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None


def locale_of(country: str | None, region: str | None) -> str:
    """The language of messages about a show in *region*: French in Quebec, else English."""
    if country != "CA":
        return "en-us"
    return "fr-ca" if region == "QC" else "en-ca"
