"""`demand message`: what a reminder would say, what a text costs as an SMS, and why."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final

import click
from attrs import evolve, frozen

from demand_adapters.wire.discovery import DOCUMENT_BYTES_MAX, listing
from demand_core.domain.brands import host_of
from demand_core.domain.events import Event
from demand_core.domain.reminder_emails import ReminderEmail, reminder_email
from demand_core.domain.reminders import reminder_of
from demand_core.domain.sales import Sale
from demand_core.domain.sms_text import Culprit, SmsSize, sms_size
from demand_core.domain.spoken_times import Locale
from demand_core.domain.suppression import SuppressionPolicy, silences
from demand_core.domain.windows import WindowPolicy
from demand_core.domain.wording import Reminder, Sms, Unsaid, reminder_sms
from demand_core.errors import Permanent

SCHEMA_VERSION: Final = 1


@click.group()
def message() -> None:
    """Try the rules for messages on texts of your own."""


@message.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="One document instead of text.")
def segments(text: str, *, as_json: bool) -> None:
    """Say how TEXT is encoded as an SMS and how many segments it takes.

    With - the text is read from stdin as UTF-8, but for one line end at its end, which `echo`
    adds. Before a text that begins with a dash write --. Positions of culprits, the characters
    that rule out GSM-7, are counted in characters from 0.
    """
    try:
        size = sms_size(_from_stdin() if text == "-" else text)
    except Permanent:
        raise click.BadParameter("not UTF-8", param_hint="TEXT") from None
    if as_json:
        click.echo(json.dumps(_document(size), indent=1))
        return
    click.echo(f"encoding  {size.encoding.value}")
    click.echo(f"units     {size.units}")
    click.echo(f"segments  {size.segments}")
    for culprit in size.culprits:
        # By name only: the character itself may steer the terminal.
        at = ", ".join(map(str, culprit.positions))
        click.echo(f"culprit   {culprit.code_point} {culprit.name}, at {at}")


@message.command()
@click.option(
    "--event", "file", type=click.File("rb"), required=True, help="A Discovery answer."
)
@click.option("--sale", "sale_id", required=True, help="The id that `event check` gives.")
@click.option(
    "--locale",
    type=click.Choice([locale.value for locale in Locale]),
    help="Other than the event's own.",
)
@click.option("--link", help="A short link to put in, instead of the event's page.")
@click.option(
    "--segments",
    "budget",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="How many segments the SMS may take.",
)
@click.option("--json", "as_json", is_flag=True, help="One document instead of text.")
def preview(
    *,
    file: BinaryIO,
    sale_id: str,
    locale: str | None,
    link: str | None,
    budget: int,
    as_json: bool,
) -> None:
    """Show the SMS and the e-mail that would remind of a sale, and what the SMS gave up to fit.

    Exits with 3 where neither can be written. What keeps us silent about the sale is named, and
    the texts are shown all the same.
    """
    found = listing(file.read(DOCUMENT_BYTES_MAX + 1), datetime.now(UTC))
    sale = next((sale for sale in found.sales if sale.sale_id == sale_id), None)
    if sale is None:
        known = ", ".join(sale.sale_id for sale in found.sales) or "none"
        raise click.BadParameter(f"no sale of this event; it has {known}", param_hint="--sale")
    if link is not None and host_of(link) is None:
        raise click.BadParameter("no https link in plain ASCII", param_hint="--link")
    reminder = reminder_of(found.event, sale, lead=WindowPolicy().lead, locale=locale)
    if reminder is None:
        raise Permanent("start_unknown", f"{sale.sale_id}: nobody has announced when it opens")
    seen = _Preview.of(found.event, sale, evolve(reminder, link=link or reminder.link), budget)
    click.echo(json.dumps(seen.document(), indent=1) if as_json else "\n".join(seen.lines()))
    if isinstance(seen.sms, Unsaid) and isinstance(seen.email, Unsaid):
        raise Permanent("unsaid", f"{sale.sale_id}: {seen.email.reason.value}")


@frozen(kw_only=True)
class _Preview:
    """Both messages of one sale, as far as there are any."""

    sale: Sale
    silent: tuple[str, ...]
    sms: Sms | Unsaid
    email: ReminderEmail | Unsaid

    @classmethod
    def of(cls, event: Event, sale: Sale, reminder: Reminder, budget: int) -> "_Preview":
        return cls(
            sale=sale,
            silent=tuple(
                silence.reason.value for silence in silences(event, sale, SuppressionPolicy())
            ),
            sms=reminder_sms(reminder, budget=budget),
            email=reminder_email(reminder, event.image_url),
        )

    def document(self) -> dict[str, object]:
        return {
            "schemaVersion": SCHEMA_VERSION,
            "saleId": self.sale.sale_id,
            "suppression": self.silent,
            "sms": _sms(self.sms),
            "email": _email(self.email),
        }

    def lines(self) -> Iterator[str]:
        for reason in self.silent:
            yield f"silent: {reason}"
        match self.sms:
            case Sms(text=text, size=size, locale=locale, shortened=steps):
                yield f"sms     {text}"
                gave_up = ", ".join(step.value for step in steps) or "nothing"
                yield f"        {locale}, {_cost(size)}, gave up {gave_up}"
            case Unsaid(reason=reason, size=size):
                shortest = f", the shortest is {_cost(size)}" if size else ""
                yield f"no sms: {reason.value}{shortest}"
        match self.email:
            case ReminderEmail(template=template, locale=locale, variables=variables):
                yield f"e-mail  {template} in {locale}"
                yield from (f"  {name:<8}{text}" for name, text in variables.filled().items())
            case Unsaid(reason=reason):
                yield f"no e-mail: {reason.value}"


def _cost(size: SmsSize) -> str:
    segments = "1 segment" if size.segments == 1 else f"{size.segments} segments"
    return f"{size.encoding.value}, {size.units} units, {segments}"


def _sms(sms: Sms | Unsaid) -> dict[str, object]:
    if isinstance(sms, Unsaid):
        return {"reason": sms.reason.value, **(_measured(sms.size) if sms.size else {})}
    return {
        "text": sms.text,
        "locale": sms.locale.value,
        "fellBack": sms.fell_back,
        **_measured(sms.size),
        "shortened": [step.value for step in sms.shortened],
    }


def _email(email: ReminderEmail | Unsaid) -> dict[str, object]:
    if isinstance(email, Unsaid):
        return {"reason": email.reason.value}
    return {
        "template": email.template,
        "locale": email.locale.value,
        "fellBack": email.fell_back,
        "variables": email.variables.filled(),
    }


def _from_stdin() -> str:
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        said = f"not UTF-8: byte {error.start} of stdin cannot be decoded"
        raise click.BadParameter(said, param_hint="TEXT") from None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _document(size: SmsSize) -> dict[str, object]:
    return {
        "schemaVersion": SCHEMA_VERSION,
        **_measured(size),
        "culprits": [_plain(culprit) for culprit in size.culprits],
    }


def _measured(size: SmsSize) -> dict[str, object]:
    return {"encoding": size.encoding.value, "units": size.units, "segments": size.segments}


def _plain(culprit: Culprit) -> dict[str, object]:
    return {
        "character": culprit.character,
        "codePoint": culprit.code_point,
        "name": culprit.name,
        "positions": culprit.positions,
    }
