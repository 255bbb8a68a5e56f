"""A worker from its row: ports by the names of its fields, outlets by its routes."""

from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

import attrs

from demand_core.errors import WiringError
from demand_core.ports import Ports
from demand_core.ports.outlet import Outlet
from demand_core.topology.shapes import Channel, Worker


def _offered() -> Mapping[str, object]:
    members = (member for kind in Ports.__mro__ for member in vars(kind).items())
    ports = ((name, port) for name, port in members if isinstance(port, property))
    return {name: get_type_hints(port.fget)["return"] for name, port in ports}


OFFERED: Final = _offered()


def assemble(
    row: Worker, ports: Ports, outlet: Callable[[Channel[Any]], Outlet[Any]]
) -> Callable[..., Any]:
    """The worker of *row*: ports and policies by the fields' names, outlets by its routes."""
    work = row.load()
    hints = get_type_hints(work)
    filled = dict[str, object]()
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", work)):
        wanted = _bare(hints[field.name])
        if get_origin(wanted) is Outlet:
            filled[field.name] = _routed(row, field.name, get_args(wanted)[0], outlet)
        elif field.name in OFFERED:
            if OFFERED[field.name] is not wanted:
                raise WiringError(f"{row.name}.{field.name} is not what the ports call so")
            filled[field.name] = getattr(ports, field.name)
        elif field.default is attrs.NOTHING or wanted in OFFERED.values():
            raise WiringError(f"{row.name}.{field.name}: no port has that name")
    return work(**filled)  # type: ignore[no-any-return]  # every worker is callable, a law says


def _routed(
    row: Worker, name: str, body: object, outlet: Callable[[Channel[Any]], Outlet[Any]]
) -> Outlet[Any]:
    channel = row.outputs.get(name)
    if channel is None or channel.body is not body:
        raise WiringError(f"{row.name}.{name} has no route for what it sends")
    return outlet(channel)


def _bare(hint: Any) -> Any:  # what a type hint is, nobody can say
    """*hint* without `| None`."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    return parts[0] if get_origin(hint) in {Union, UnionType} and len(parts) == 1 else hint
