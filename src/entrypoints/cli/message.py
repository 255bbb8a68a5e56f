"""`demand message`: what a text costs as an SMS, and what makes it dear."""

import json
import sys
from typing import Final

import click

from demand_core.domain.sms_text import Culprit, SmsSize, sms_size
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
        "encoding": size.encoding.value,
        "units": size.units,
        "segments": size.segments,
        "culprits": [_plain(culprit) for culprit in size.culprits],
    }


def _plain(culprit: Culprit) -> dict[str, object]:
    return {
        "character": culprit.character,
        "codePoint": culprit.code_point,
        "name": culprit.name,
        "positions": culprit.positions,
    }
