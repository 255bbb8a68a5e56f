"""A segment: the kind of entertainment that a show is."""

from typing import Final

from attrs import frozen


@frozen(kw_only=True)
class Segment:
    """The source's class of a show; nothing is known of one without id and name."""

    segment_id: str | None = None
    name: str | None = None


MUSIC: Final = Segment(segment_id="KZFzniwnSyZfZ7v7nJ", name="Music")
# The source has no segment called theatre.
THEATRE: Final = Segment(segment_id="KZFzniwnSyZfZ7v7na", name="Arts & Theatre")
