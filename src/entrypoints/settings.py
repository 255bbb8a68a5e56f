"""Everything that can be set, with its default, and the policies that come of it.

No secret is part of it: one stays in the environment, and a setting says under which name.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

import attrs
from attrs import frozen

from demand_core.domain.delivery import (
    Capability,
    DeliveryPolicy,
    Keyed,
    Queryable,
    Silent,
)
from demand_core.domain.links import LinkPolicy
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import RefreshPolicy
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.suppression import SuppressionPolicy
from demand_core.domain.windows import WindowPolicy
from entrypoints.setting_kinds import a_number, a_path, a_text

PROFILES: Final = ("memory", "local", "aws")

_VARIABLE: Final = "[A-Za-z_][A-Za-z0-9_]{0,127}"
_KINDS: Final = tuple(kind.value for kind in SaleKind)
_KIND: Final = f"(?:{'|'.join(_KINDS)})"
_ADDRESS: Final = r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?"


@frozen(kw_only=True)
class Settings:
    """Everything that can be set, as `DEMAND_` and the name, with its default."""

    profile: str = a_text(
        "local", "memory, local or aws", "|".join(PROFILES), "which engines everything runs on"
    )
    state: Path = a_path(  # noqa: RUF009  # a field, like all others
        Path("state"), "folder in which the local profile keeps all"
    )
    table: str = a_text(
        "demand",
        "a table's name",
        "[A-Za-z0-9_.-]{3,255}",
        "name of the table of the aws profile",
    )
    bucket: str = a_text(
        "",
        "a bucket's name",
        "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "name of the bucket of the aws profile",
        needed=["aws"],
    )
    channel_prefix: str = a_text(
        "demand-",
        "at most 24 letters, digits, - and _",
        "[A-Za-z0-9_-]{0,24}",
        "what the names of queues, streams and topics begin with on aws",
    )
    system: str = a_text(
        "demand",
        "at most 64 letters, digits, - and _",
        "[A-Za-z0-9_-]{1,64}",
        "what rows of the archive call the system that they come from",
    )
    archive_merge_after_d: int = a_number(
        2, 0, 365, "days for which a day must be over before its objects are merged"
    )
    athena_database: str = a_text(
        "demand",
        "at most 64 small letters, digits and _",
        "[a-z0-9_]{1,64}",
        "database of Athena in which `demand archive ddl` made the archive's tables",
    )
    athena_workgroup: str = a_text(
        "primary",
        "at most 128 letters, digits, ., - and _",
        "[A-Za-z0-9._-]{1,128}",
        "workgroup of Athena that queries run in",
    )
    aws_region: str = a_text(
        "",
        "a region's name",
        "[a-z]{2}(?:-[a-z]+)+-[0-9]",
        "region of the aws profile",
        needed=["aws"],
    )
    aws_endpoint: str = a_text(
        "", "an http address", _ADDRESS, "where all of aws answers, for an emulator"
    )
    shortener_url: str = a_text(
        "https://api-ssl.bitly.com",
        "an http address",
        _ADDRESS,
        "where the link shortener answers; `demand twin serve shortener` says of one here",
    )
    shortener_domain: str = a_text(
        "bit.ly", "a host's name", "[a-z0-9]+(?:[.-][a-z0-9]+)*", "where short links live"
    )
    shortener_group: str = a_text(
        "",
        "at most 64 letters and digits",
        "[A-Za-z0-9]{1,64}",
        "whose short links they are, for an account with several groups",
    )
    shortener_key_variable: str = a_text(
        "",
        "the name of an environment variable",
        _VARIABLE,
        "environment variable that holds the link shortener's key; a twin needs none",
    )
    event_source_url: str = a_text(
        "https://app.ticketmaster.com",
        "an http address",
        _ADDRESS,
        "where events are looked up; `demand twin serve discovery` says of one here",
    )
    event_source_key_variable: str = a_text(
        "",
        "the name of an environment variable",
        _VARIABLE,
        "environment variable that holds the key of the source of events; a twin needs none",
    )
    sms_service: str = a_text(
        "http",
        "http or aws",
        "http|aws",
        "who takes texts: a gateway by http, or End User Messaging of the account of the aws "
        "profile, which knows nothing of what it accepted",
    )
    sms_url: str = a_text(
        "",
        "an http address",
        _ADDRESS,
        "where the sender of texts answers; `demand twin serve sms` says of one here",
        needed=["local", "aws"],
    )
    sms_key_variable: str = a_text(
        "",
        "the name of an environment variable",
        _VARIABLE,
        "environment variable that holds the key of the sender of texts; a twin needs none",
    )
    sms_provider: str = a_text(
        "sms",
        "at most 40 small letters, digits, - and _",
        "[a-z0-9][a-z0-9_-]{0,39}",
        "what reports on texts call their provider; those of aws say aws",
    )
    sms_sender: str = a_text(
        "demand",
        "at most 64 letters, digits, +, - and _",
        "[A-Za-z0-9+_-]{1,64}",
        "the number, pool or name that texts come from",
    )
    sms_configuration_set: str = a_text(
        "",
        "at most 64 letters, digits, - and _",
        "[A-Za-z0-9_-]{1,64}",
        "configuration set that aws sends texts by",
    )
    sms_capability: str = a_text(
        "keyed",
        "keyed, queryable or none",
        "keyed|queryable|none",
        "what the sender of texts knows of what it accepted",
    )
    sms_key_ttl_s: int = a_number(
        86400, 900, 10**7, "seconds for which a keyed sender of texts knows a key"
    )
    sms_lag_s: int = a_number(
        10, 1, 600, "seconds after which a queryable sender of texts knows what it accepted"
    )
    contact_key_variable: str = a_text(
        "",
        "the name of an environment variable",
        _VARIABLE,
        "environment variable with the secrets under which contacts are hashed: id:secret, the "
        "one in force first, divided by commas; a folder has its own",
        needed=["aws"],
    )
    ports: str = a_text(
        "",
        "port=module:factory, several divided by commas",
        r"[a-z_]+=[\w.]+:\w+(?:,[a-z_]+=[\w.]+:\w+)*",
        "ports of your own instead of the profile's; called with the settings and its engines",
    )
    shortener_per_s: int = a_number(
        10, 1, 1000, "calls a second that the link shortener may get"
    )
    link_calls_max: int = a_number(
        3, 1, 10, "failed calls for one url before it goes without a short link"
    )

    event_source_per_s: int = a_number(
        5, 1, 1000, "look-ups a second that the source of events may get"
    )
    sms_per_s: int = a_number(
        200, 1, 10000, "segments a second that may be handed to the sender of texts"
    )
    sms_segments_max: int = a_number(
        1, 1, 10, "segments that the text of a reminder may take; longer ones are shortened"
    )
    reminder_locale: str = a_text(
        "event",
        "event or fan",
        "event|fan",
        "whose language a reminder has; a fan who named none gets the event's",
    )
    reminder_lead_min: int = a_number(
        30, 10, 240, "minutes before a sale at which its reminders go out"
    )
    countries: str = a_text(
        "US,CA",
        "codes of two letters divided by commas",
        "[A-Z]{2}(?:,[A-Z]{2})*",
        "countries of whose events anybody is told",
    )
    suppressed_sales: str = a_text(
        "REGISTRATION",
        "kinds divided by commas: " + ", ".join(_KINDS),
        f"{_KIND}(?:,{_KIND})*",
        "kinds of sales of which nobody is told",
    )
    suppressed_artists: str = a_text(
        "",
        "ids divided by commas",
        "[A-Za-z0-9_-]+(?:,[A-Za-z0-9_-]+)*",
        "artists of whom nobody is told",
    )

    @property
    def capability(self) -> Capability:
        """What the sender of texts is known to be able to do."""
        match self.sms_service, self.sms_capability:
            case "http", "keyed":
                return Keyed(timedelta(seconds=self.sms_key_ttl_s))
            case "http", "queryable":
                return Queryable(timedelta(seconds=self.sms_lag_s))
            case _:
                return Silent()

    @property
    def delivery(self) -> DeliveryPolicy:
        """The policy that senders are given."""
        return DeliveryPolicy()

    @property
    def reminders(self) -> ReminderPolicy:
        """The policy by which reminders are made."""
        suppression = SuppressionPolicy(
            artist_ids=frozenset(filter(None, self.suppressed_artists.split(","))),
            countries=frozenset(self.countries.split(",")),
            kinds=frozenset(map(SaleKind, filter(None, self.suppressed_sales.split(",")))),
        )
        return ReminderPolicy(
            windows=WindowPolicy(lead=timedelta(minutes=self.reminder_lead_min)),
            suppression=suppression,
            segments_max=self.sms_segments_max,
            own_locale=self.reminder_locale == "fan",
        )

    @property
    def refreshing(self) -> RefreshPolicy:
        """The policy by which events are looked up again."""
        return RefreshPolicy()

    @property
    def links(self) -> LinkPolicy:
        """The policy that workers are given."""
        return LinkPolicy(calls_max=self.link_calls_max)


FIELDS: Final = {setting.name: setting for setting in attrs.fields(Settings)}
