"""The service that makes links fit into an SMS."""

from typing import Protocol


class UrlShortener(Protocol):
    """Short links. The same url always gets the same link, so that a call may be repeated."""

    def shorten(self, url: str, /) -> str:
        """The short link for *url*, with its scheme.

        Raises Transient when the service did nothing (with `retry_at` when it asks to be left
        alone until then), Unknown when no answer came, Permanent for a url it will not take.
        """
        ...
