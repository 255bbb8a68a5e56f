"""All twins at one address: each answers what is its own."""

from collections.abc import Mapping, Sequence

from entrypoints.twins.serving import Asked, Said, Twin


class TogetherTwin:
    """Whoever knows the path answers; what nobody knows the last one refuses."""

    def __init__(self, twins: Mapping[str, Twin]) -> None:
        """*twins* are the services, each by what its paths begin with."""
        self._twins = twins

    def answer(self, asked: Asked, /) -> Said:
        """Ask the one whose path it is."""
        return self._whose(asked.path).answer(asked)

    def complaint(self, status: int, /) -> Said:
        """In the words of the first, which mean the same to everybody who reads the status."""
        return self._all[0].complaint(status)

    def settings(self, url: str, /) -> Mapping[str, str]:
        """What all of them need."""
        return {key: text for twin in self._all for key, text in twin.settings(url).items()}

    @property
    def _all(self) -> Sequence[Twin]:
        return list(self._twins.values())

    def _whose(self, path: str) -> Twin:
        found = (twin for begins, twin in self._twins.items() if path.startswith(begins))
        return next(found, self._all[-1])
