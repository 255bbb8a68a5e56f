"""A folder of its own for each test of a command."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from entrypoints.setting_places import PREFIX, variable
from entrypoints.settings import FIELDS

# Nobody listens there, and nobody is called.
HERE: Final = "http://127.0.0.1:1"


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str | None]:
    """What a command of the local profile is told, and nothing of the caller's own."""
    blank = dict.fromkeys([variable(name) for name in FIELDS] + [f"{PREFIX}CONFIG"])
    given = {"STATE": str(tmp_path / "state")}
    given |= dict.fromkeys(("SHORTENER_URL", "EVENT_SOURCE_URL", "SMS_URL"), HERE)
    return blank | {PREFIX + name: text for name, text in given.items()}
