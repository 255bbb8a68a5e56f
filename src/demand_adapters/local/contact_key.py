"""The secret of a folder: made at its first use, kept beside the data it protects."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from demand_core.domain.contacts import ContactKey

FILE: Final = "contact.key"
KEY_ID: Final = "local"


def contact_key(folder: Path) -> ContactKey:
    """The key of *folder*, readable by its owner alone; whoever comes first makes it."""
    path = folder / FILE
    made = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        if not path.exists():
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
            # A link is made whole or not at all, and never over another.
            with suppress(FileExistsError):
                os.link(made, path)
        return ContactKey(KEY_ID, path.read_bytes())
    finally:
        made.unlink(missing_ok=True)
