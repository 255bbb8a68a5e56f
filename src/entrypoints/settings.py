"""The environment, read once; every error in one answer, with its key and how to mend it."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from attrs import field, frozen

from demand_core.domain.links import LinkPolicy
from demand_core.errors import WiringError

PREFIX: Final = "DEMAND_"


def _number(default: int, *, least: int, most: int, about: str) -> Any:  # attrs
    return field(default=default, metadata={"least": least, "most": most, "about": about})


@frozen(kw_only=True)
class Settings:
    """Everything that can be set, as `DEMAND_` and the name, with its default."""

    shortener_per_s: int = _number(
        10, least=1, most=1000, about="calls a second that the link shortener may get"
    )
    link_calls_max: int = _number(
        3,
        least=1,
        most=10,
        about="failed calls for one url before it goes without a short link",
    )

    @property
    def links(self) -> LinkPolicy:
        """The policy that workers are given."""
        return LinkPolicy(calls_max=self.link_calls_max)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings with what *environment* says; raises WiringError naming all that is wrong."""
    fields = {PREFIX + f.name.upper(): f for f in attrs.fields(Settings)}
    given = {key: text for key, text in environment.items() if key.startswith(PREFIX)}
    errors = [*_unknown(given, fields), *_unusable(given, fields)]
    if errors:
        raise WiringError("; ".join(errors))
    return Settings(**{fields[key].name: int(text) for key, text in given.items()})


def _unknown(given: Mapping[str, str], known: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(given.keys() - known.keys()):
        near = difflib.get_close_matches(key.upper(), known, n=1)
        yield f"{key} is no setting" + (f": is {near[0]} meant?" if near else "")


def _unusable(given: Mapping[str, str], known: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(given.keys() & known.keys()):
        least, most = known[key].metadata["least"], known[key].metadata["most"]
        text = given[key]
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not digits or not least <= int(text) <= most:
            yield f"{key} takes a whole number from {least} to {most}"
