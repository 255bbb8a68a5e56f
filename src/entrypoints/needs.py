"""What a profile needs that nobody said yet: settings, and secrets in the environment."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from entrypoints.setting_places import variable
from entrypoints.settings import FIELDS, Settings

# The services that are somebody else's, each with the setting that names its secret.
SERVICES: Final[Mapping[str, str]] = {
    "shortener_url": "shortener_key_variable",
    "event_source_url": "event_source_key_variable",
    "sms_url": "sms_key_variable",
}


def called(settings: Settings) -> Mapping[str, str]:
    """Those of SERVICES that *settings* have called; an account of AWS takes texts itself."""
    spared = {"sms_url"} if settings.sms_service == "aws" else set[str]()
    return {url: key for url, key in SERVICES.items() if url not in spared}


def lacking(settings: Settings, environment: Mapping[str, str]) -> Sequence[str]:
    """What the profile of *settings* needs and nobody said, each with how to say it."""
    services = called(settings)
    missing = [
        f"{variable(name)} is needed by the {settings.profile} profile: "
        f"{setting.metadata['about']}"
        for name, setting in FIELDS.items()
        if settings.profile in setting.metadata["needed"]
        and not getattr(settings, name)
        and (name in services or name not in SERVICES)
    ]
    if settings.profile == "memory":
        return missing
    named = [key for url, key in services.items() if not is_twin(getattr(settings, url))]
    if settings.profile == "aws":
        named.append("contact_key_variable")
    elif settings.sms_service == "aws":
        missing.append(f"{variable('sms_service')} takes aws with the aws profile alone")
    for key in named:
        secret = getattr(settings, key)
        if secret and not environment.get(secret):
            missing.append(f"{secret} is empty, and {variable(key)} names it: set it")
        elif not secret and not FIELDS[key].metadata["needed"]:
            missing.append(f"{variable(key)} is needed: {FIELDS[key].metadata['about']}")
    return missing


def is_twin(url: str) -> bool:
    """Whether a service stands on this machine, or nowhere yet."""
    return not url or urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
