"""An artist: who appears in a show."""

from attrs import frozen


@frozen(kw_only=True)
class Artist:
    """Known by an id, a name or both."""

    artist_id: str | None = None
    name: str | None = None
