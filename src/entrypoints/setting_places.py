"""Where settings come from: defaults, a file, the environment and flags, each read once.

What stands further on wins. All that is wrong comes in one answer, each with its key and how to
mend it, and no value is ever shown but by `demand config`.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from demand_core.errors import WiringError
from entrypoints.setting_kinds import Kind
from entrypoints.settings import FIELDS, Settings

PREFIX: Final = "DEMAND_"
FILE_VARIABLE: Final = "DEMAND_CONFIG"
FILE: Final = Path("demand.toml")


@frozen
class Layer:
    """Some settings from one place: *values* by the words that this place calls them by."""

    origin: str
    values: Mapping[str, object]
    spelled: Callable[[str], str] = str

    @property
    def given(self) -> Mapping[str, object]:
        """What it says, by the settings' own names."""
        own = {self.spelled(name): name for name in FIELDS}
        return {own[key]: value for key, value in self.values.items() if key in own}

    def problems(self) -> Iterator[str]:
        """What is no setting here, or takes something else."""
        own = {self.spelled(name): setting for name, setting in FIELDS.items()}
        for key in sorted(self.values.keys() - own.keys()):
            near = difflib.get_close_matches(key.lower(), map(str.lower, own), n=1)
            meant = next((name for name in own if [name.lower()] == near), None)
            yield f"{key} is no setting" + (f": is {meant} meant?" if meant else "")
        for key in sorted(self.values.keys() & own.keys()):
            kind: Kind = own[key].metadata["kind"]
            if value_of(kind, self.values[key]) is None:
                yield f"{key} takes {kind.takes}"


def value_of(kind: Kind, given: object) -> object | None:
    """What *given* means; None when it is nothing that *kind* takes."""
    if isinstance(given, str) or type(given) is int:
        return kind.read(str(given))
    return None


def environment_layer(environment: Mapping[str, str]) -> Layer:
    """What the variables say whose names begin with `DEMAND_`."""
    given = {
        key: text
        for key, text in environment.items()
        if key.startswith(PREFIX) and key != FILE_VARIABLE
    }
    return Layer("environment", given, variable)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def file_layer(path: Path) -> Layer:
    """What a TOML file says; raises WiringError for one that is none."""
    import tomllib

    try:
        with path.open("rb") as file:
            return Layer(str(path), tomllib.load(file))
    except OSError as error:
        raise WiringError(f"{path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WiringError(f"{path} is no TOML: {error}") from error


def layers(
    environment: Mapping[str, str], file: Path | None = None, **flags: object
) -> Sequence[Layer]:
    """The places that settings come from, the strongest last.

    The file is the one given, else the one that DEMAND_CONFIG names, else `demand.toml` in the
    folder where one stands.
    """
    chosen = file or (
        Path(environment[FILE_VARIABLE]) if FILE_VARIABLE in environment else None
    )
    if chosen is None and FILE.is_file():
        chosen = FILE
    said = {flag(name): value for name, value in flags.items() if value is not None}
    files = [file_layer(chosen)] if chosen else []
    return [*files, environment_layer(environment), Layer("flags", said, flag)]


def flag(name: str) -> str:
    """A setting as an option of a command."""
    return "--" + name.replace("_", "-")


def read(places: Sequence[Layer]) -> Settings:
    """The settings; raises WiringError naming all that is wrong."""
    if errors := [error for place in places for error in place.problems()]:
        raise WiringError("; ".join(errors))
    given = dict[str, Any]()
    for place in places:
        for name, value in place.given.items():
            given[name] = value_of(FIELDS[name].metadata["kind"], value)
    return Settings(**given)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings with what *environment* says; raises WiringError naming all that is wrong."""
    return read([environment_layer(environment)])
