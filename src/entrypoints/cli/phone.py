"""`demand phone`: what becomes of numbers, tried on a file of one's own."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

import click
from attrs import define, field

from demand_core.domain.phones import (
    ParsedPhone,
    PhonePolicy,
    PhoneProblem,
    parse_phone,
    regions,
)

_LINE_MAX: Final = 4096


@click.group()
def phone() -> None:
    """Try the rules for phone numbers."""


class _Region(click.ParamType[str]):
    """Two letters in any case, and a region that the numbering plan knows."""

    name = "region"

    def convert(self, value: str, *_: object) -> str:
        region = value.upper()
        if region not in regions():
            raise click.BadParameter(f"{value!r} is no region: two letters, as in US")
        return region


@phone.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--region",
    type=_Region(),
    default="US",
    show_default=True,
    help="Where numbers without a plus were typed.",
)
@click.option(
    "--allow",
    multiple=True,
    type=_Region(),
    default=["US"],
    show_default=True,
    help="Whose numbers are taken; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="One document instead of text.")
def check(file: IO[bytes], region: str, allow: tuple[str, ...], *, as_json: bool) -> None:
    """Read numbers, one a line, from FILE or - and say what each one is.

    Exit code 1 says that some were refused.
    """
    counts = _Counts()
    answers = counts.counted(_answers(file, region, PhonePolicy(regions=frozenset(allow))))
    if as_json:
        _document(answers, counts)
    else:
        for answer in answers:
            click.echo(_told(answer))
        click.echo(counts.told(), err=True)
    if counts.refused:
        raise SystemExit(1)


@define
class _Counts:
    """What was said so far; every line is accepted, refused or blank."""

    lines: int = 0
    blank: int = 0
    reasons: Counter[str] = field(factory=Counter)

    @property
    def refused(self) -> int:
        return self.reasons.total()

    def counted(self, answers: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for answer in answers:
            self.lines = answer["line"]
            if answer.pop("blank", False):
                self.blank += 1
                continue
            if answer["reason"]:
                self.reasons[answer["reason"]] += 1
            yield answer

    def plain(self) -> dict[str, object]:
        return {
            "lines": self.lines,
            "accepted": self.lines - self.refused - self.blank,
            "refused": self.refused,
            "blank": self.blank,
            "reasons": dict(sorted(self.reasons.items())),
        }

    def told(self) -> str:
        taken = self.lines - self.refused - self.blank
        return (
            f"{self.lines} lines: {taken} accepted, {self.refused} refused, {self.blank} blank"
        )


def _document(answers: Iterator[Mapping[str, object]], counts: _Counts) -> None:
    """Written as it is read: a long file is never held."""
    click.echo('{"schemaVersion": 1, "numbers": [', nl=False)
    divider = "\n"
    for answer in answers:
        click.echo(divider + json.dumps(answer), nl=False)
        divider = ",\n"
    click.echo(f'\n], "counts": {json.dumps(counts.plain())}}}')


def _answers(file: IO[bytes], region: str, policy: PhonePolicy) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(file), start=1):
        if line is not None and not line.strip():
            yield {"line": number, "blank": True}
        else:
            yield {"line": number, **_answer(line, region, policy)}


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """The lines of *file*; None stands for one that is longer than anybody's number."""
    first = True
    while line := file.readline(_LINE_MAX):
        whole = len(line) < _LINE_MAX or line.endswith(b"\n")
        yield (line.removeprefix(b"\xef\xbb\xbf") if first else line) if whole else None
        first = False
        while not whole and (rest := file.readline(_LINE_MAX)):
            whole = rest.endswith(b"\n")


def _answer(line: bytes | None, region: str, policy: PhonePolicy) -> dict[str, object]:
    if line is None:
        return _row(reason="line_too_long")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return _row(reason="not_utf8")
    found = parse_phone(text, region, policy)
    return _row(found, found.reason.value if isinstance(found, PhoneProblem) else None)


def _row(
    found: ParsedPhone | PhoneProblem | None = None, reason: str | None = None
) -> dict[str, object]:
    return {
        "e164": found.phone.reveal() if found and found.phone else None,
        "region": found.region if found else None,
        "kind": found.kind.value if found and found.kind else None,
        "tags": [tag.value for tag in found.tags] if isinstance(found, ParsedPhone) else [],
        "reason": reason,
    }


def _told(answer: Mapping[str, Any]) -> str:
    known = (answer["e164"], answer["region"], answer["kind"], *answer["tags"])
    read = "  ".join(filter(None, known))
    said = f"refused: {answer['reason']}" if answer["reason"] else ""
    return f"{answer['line']}:  " + "  ".join(filter(None, (read, said)))
