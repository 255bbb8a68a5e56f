"""`demand trace`: what happened to a fan's reminders, and why."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import click

from demand_adapters.wire.converters import instant
from demand_core.domain.ids import ALPHABETS, FanId, NotificationId, checked
from demand_core.errors import Permanent
from entrypoints.cli.options import Given, given
from entrypoints.profiles import Profile, beside
from entrypoints.tracing import Step, Trace, of_fan, of_message

SCHEMA_VERSION: Final = 1


@click.command()
@click.argument("who", metavar="FAN|NOTIFICATION")
@click.option("--json", "as_json", is_flag=True, help="One document instead of text.")
@given
def trace(options: Given, who: str, *, as_json: bool) -> None:
    """Tell every wish and message of a FAN, or one NOTIFICATION by its id.

    Each with how it stands, what will come of it, and all that happened, by the clock of
    whoever did it and by ours when we heard. Contacts stay masked, and no text is shown.
    """
    checked("fanId", who)
    with beside(options.complete()) as ports:
        traces = _traces(ports, who)
    if not traces:
        raise Permanent("not_found", "no fan and no notification of that id is known here")
    if as_json:
        document = {"schemaVersion": SCHEMA_VERSION, "traces": [*map(_document, traces)]}
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo("\n\n".join("\n".join(_lines(one)) for one in traces))


def _traces(ports: Profile, who: str) -> Sequence[Trace]:
    if ALPHABETS["notificationId"].fullmatch(who):
        message = of_message(ports, NotificationId(who))
        if message:
            return [message]
    return of_fan(ports, FanId(who))


def _document(found: Trace) -> Mapping[str, object]:
    return {
        "subject": found.subject,
        "stands": found.stands,
        "facts": dict(found.facts),
        "steps": [_step(step) for step in found.steps],
    }


def _step(step: Step) -> Mapping[str, object]:
    told = {"at": instant(step.at), "what": step.what}
    if step.heard:
        told["heard"] = instant(step.heard)
    return told | ({"detail": step.detail} if step.detail else {})


def _lines(found: Trace) -> Iterator[str]:
    yield found.subject
    yield f"  {found.stands}"
    width = max(map(len, found.facts), default=0)
    yield from (f"  {name:{width}}  {fact}" for name, fact in found.facts.items())
    for step in found.steps:
        heard = f"  heard {instant(step.heard)}" if step.heard not in {None, step.at} else ""
        yield f"  {instant(step.at)}  {step.what}{heard}  {step.detail}".rstrip()
