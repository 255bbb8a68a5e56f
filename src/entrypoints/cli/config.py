"""`demand config`: what is set, where it was said, and what is wrong with it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence

import click
from attrs import frozen

from entrypoints.cli.options import Given, given
from entrypoints.needs import lacking
from entrypoints.setting_places import Layer, flag, read, value_of, variable
from entrypoints.settings import FIELDS

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One document instead of text.")


@frozen
class Said:
    """One place's word on a setting: the last one holds."""

    origin: str
    value: str


def history(name: str, places: Sequence[Layer]) -> list[Said]:
    """Who said what of a setting, the default first."""
    said = [Said("default", str(FIELDS[name].default))]
    for place in places:
        if name in place.given:
            value = value_of(FIELDS[name].metadata["kind"], place.given[name])
            said.append(Said(place.origin, str(value)))
    return said


@click.group()
def config() -> None:
    """Say what is set: defaults < file < environment < flags."""


@config.command()
@AS_JSON
@given
def show(options: Given, *, as_json: bool) -> None:
    """Print every setting with its value and where that was said."""
    places = options.places()
    read(places)
    held = {name: history(name, places)[-1] for name in FIELDS}
    if as_json:
        click.echo(json.dumps({name: _plain(said) for name, said in held.items()}, indent=1))
        return
    width, wide = max(map(len, held)), max(len(said.value) for said in held.values())
    for name, said in held.items():
        click.echo(f"{name:{width}}  {said.value:{wide}}  {said.origin}")


@config.command()
@AS_JSON
@given
def check(options: Given, *, as_json: bool) -> None:
    """Name everything that is wrong or missing, each with how to mend it."""
    places = options.places()
    wrong = [error for place in places for error in place.problems()]
    wrong = wrong or list(lacking(read(places), os.environ))
    if as_json:
        click.echo(json.dumps({"ok": not wrong, "problems": wrong}, indent=1))
    for line in wrong if not as_json else ():
        click.echo(line, err=True)
    if wrong:
        raise SystemExit(5)
    if not as_json:
        click.echo(f"{len(FIELDS)} settings, nothing that the profile needs is missing")


@config.command()
@click.argument("key")
@AS_JSON
@given
def explain(options: Given, key: str, *, as_json: bool) -> None:
    """Say what KEY is for, what it is, who said so and whom that overrode."""
    known = {spelled: name for name in FIELDS for spelled in (name, variable(name), flag(name))}
    if key not in known:
        raise click.BadParameter(f"{key} is no setting; `demand config show` lists them")
    name = known[key]
    said = history(name, options.places())
    if as_json:
        click.echo(json.dumps(_explained(name, said), indent=1))
        return
    for line in _told(name, said):
        click.echo(line)


def _told(name: str, said: Sequence[Said]) -> Iterator[str]:
    told = FIELDS[name].metadata
    yield f"{name}: {told['about']}"
    yield f"takes    {told['kind'].takes}"
    yield f"is       {said[-1].value or 'empty'}, said by: {said[-1].origin}"
    for earlier in reversed(said[:-1]):
        yield f"over     {earlier.value or 'empty'}, said by: {earlier.origin}"
    yield f"set it   {variable(name)}=..., or {name} = ... in the file"


def _explained(name: str, said: Sequence[Said]) -> Mapping[str, object]:
    told = FIELDS[name].metadata
    return {
        "key": name,
        "variable": variable(name),
        "about": told["about"],
        "takes": told["kind"].takes,
        **_plain(said[-1]),
        "over": [_plain(earlier) for earlier in reversed(said[:-1])],
    }


def _plain(said: Said) -> dict[str, str]:
    return {"value": said.value, "origin": said.origin}
