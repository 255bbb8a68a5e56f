"""Holds a schema to the rules and measures it: what its smallest row takes, and its largest.

Every value must take a byte at least. Then no count can promise more values than there are
bytes, and the memory of a row is bounded by its bytes: null outside a union, fixed of no size
and records without fields are refused, and so is a type inside itself.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from attrs import Factory, define, frozen

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.limits import Limits

# A type as fastavro is given it: a name, a dict of what matters, or the list of a union.
Tree: TypeAlias = str | dict[str, Any] | list[Any]

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# The fewest bytes of each plain type.
LEAST: Final[Mapping[str, int]] = {
    "boolean": 1,
    "int": 1,
    "long": 1,
    "float": 4,
    "double": 8,
    "bytes": 1,
    "string": 1,
}
# What is more than a number to us. Any other logical type is read as what it stands on.
LOGICAL: Final[Mapping[str, str]] = {
    "timestamp-millis": "long",
    "timestamp-micros": "long",
    "date": "int",
}

# What CPython takes at most, in bytes: a plain value for each of its own, empty containers,
# and a slot in them. A text of one astral sign takes four for each of the others.
PLAIN: Final = 80
DICT: Final = 256
LIST: Final = 96
IN_DICT: Final = 64
IN_MAP: Final = 160
IN_LIST: Final = 16


@frozen
class Measure:
    """Of a value: its fewest bytes, memory for each byte at most, and how deep it goes."""

    least: int
    weight: int
    depth: int = 1


def checked(root: object, limits: Limits) -> tuple[dict[str, Any], Measure]:
    """The record type *root* with nothing but what matters in it, and its measure."""
    if not (isinstance(root, dict) and root.get("type") == "record"):
        raise Malformed("bad_schema", "rows are records, this schema is of something else")
    return _Walk(limits).definition("record", root, "", 1)


@define
class _Walk:
    limits: Limits
    named: dict[str, Measure | None] = Factory(dict)
    parts: int = 0

    def __call__(self, node: object, space: str, level: int) -> tuple[Tree, Measure]:
        """The type *node*, whose names without a dot are in the namespace *space*."""
        if level > self.limits.schema_depth_max:
            raise self._too_deep()
        self._count(1)
        if isinstance(node, list):
            return self._union(node, space, level)
        kind = node.get("type") if isinstance(node, dict) else node
        if not isinstance(kind, str):
            raise Malformed("bad_schema", "a type that is no name, no object and no union")
        if kind in LEAST:
            return _plain(kind, node), Measure(LEAST[kind], PLAIN)
        if kind == "null":
            raise Malformed("bad_schema", "null outside a union takes no bytes")
        if not isinstance(node, dict):
            return self._reference(kind, space, level)
        if kind == "array":
            return self._array(node, space, level)
        if kind == "map":
            return self._map(node, space, level)
        if kind in {"record", "enum", "fixed"}:
            return self.definition(kind, node, space, level)
        raise Malformed("bad_schema", "an object whose type is no type of Avro")

    def _count(self, parts: int) -> None:
        self.parts += parts
        if self.parts > self.limits.schema_parts_max:
            most = self.limits.schema_parts_max
            raise Malformed("schema_too_large", f"more than {most} types, fields and symbols")

    def _too_deep(self) -> Malformed:
        most = self.limits.schema_depth_max
        return Malformed("schema_too_deep", f"types stand more than {most} deep in one another")

    def _union(self, branches: list[Any], space: str, level: int) -> tuple[Tree, Measure]:
        trees, measures = list[Tree](), list[Measure]()
        for branch in branches:
            if isinstance(branch, list):
                raise Malformed("bad_schema", "a union directly in a union")
            if branch in ("null", {"type": "null"}):
                self._count(1)
                typed: tuple[Tree, Measure] = ("null", Measure(0, 0, 0))
            else:
                typed = self(branch, space, level + 1)
            trees.append(typed[0])
            measures.append(typed[1])
        names = [_name_of(tree) for tree in trees]
        if not trees or len(set(names)) != len(names):
            raise Malformed("bad_schema", "a union of nothing, or of one type twice")
        least = min(measure.least for measure in measures)
        weight = max(measure.weight for measure in measures)
        return trees, Measure(1 + least, weight, _depth(measures))

    def _array(self, node: dict[str, Any], space: str, level: int) -> tuple[Tree, Measure]:
        items, item = self(node.get("items"), space, level + 1)
        weight = max(LIST, item.weight + -(-IN_LIST // item.least))
        return {"type": "array", "items": items}, Measure(1, weight, _depth([item]))

    def _map(self, node: dict[str, Any], space: str, level: int) -> tuple[Tree, Measure]:
        values, value = self(node.get("values"), space, level + 1)
        weight = max(DICT, max(PLAIN, value.weight) + -(-IN_MAP // (1 + value.least)))
        return {"type": "map", "values": values}, Measure(1, weight, _depth([value]))

    def _reference(self, name: str, space: str, level: int) -> tuple[Tree, Measure]:
        for full in (_full(name, space), name):
            if full in self.named:
                measure = self.named[full]
                if measure is None:
                    raise Malformed("recursive_schema", "a type that holds itself")
                if level + measure.depth - 1 > self.limits.schema_depth_max:
                    raise self._too_deep()
                return full, measure
        raise Malformed("bad_schema", "a name that no type before it has")

    def definition(
        self, kind: str, node: dict[str, Any], space: str, level: int
    ) -> tuple[dict[str, Any], Measure]:
        """The record, enum or fixed type *node*, known by its name from now on."""
        name = _named(node, space)
        if name in self.named:
            raise Malformed("bad_schema", "two types of one name")
        self.named[name] = None
        shape: dict[str, Any]
        if kind == "record":
            shape, measure = self._fields(node, name.rpartition(".")[0], level)
        elif kind == "enum":
            shape, measure = {"symbols": self._symbols(node)}, Measure(1, PLAIN)
        else:
            size = self._size(node)
            shape, measure = {"size": size}, Measure(size, PLAIN)
        self.named[name] = measure
        return {"name": name, "type": kind, **shape}, measure

    def _fields(
        self, node: dict[str, Any], space: str, level: int
    ) -> tuple[dict[str, Any], Measure]:
        fields = node.get("fields")
        if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
            raise Malformed("bad_schema", "a record without a list of fields")
        self._count(len(fields))
        names = [_good_name(field.get("name")) for field in fields]
        if not names or len(set(names)) != len(names):
            raise Malformed("bad_schema", "a record of no fields, or of two of one name")
        typed = [self(field.get("type"), space, level + 1) for field in fields]
        measures = [measure for _, measure in typed]
        least = sum(measure.least for measure in measures)
        weight = max(measure.weight for measure in measures)
        weight += -(-(DICT + IN_DICT * len(names)) // least)
        shape = [
            {"name": name, "type": tree} for name, (tree, _) in zip(names, typed, strict=True)
        ]
        return {"fields": shape}, Measure(least, weight, _depth(measures))

    def _symbols(self, node: dict[str, Any]) -> list[str]:
        symbols = node.get("symbols")
        if not isinstance(symbols, list):
            raise Malformed("bad_schema", "an enum without a list of symbols")
        self._count(len(symbols))
        names = [_good_name(symbol) for symbol in symbols]
        if not names or len(set(names)) != len(names):
            raise Malformed("bad_schema", "an enum of no symbols, or of one twice")
        return names

    def _size(self, node: dict[str, Any]) -> int:
        size = node.get("size")
        if type(size) is not int or not 0 < size <= self.limits.block_bytes_max:
            raise Malformed("bad_schema", "a fixed type of no size that a block could hold")
        return size


def _depth(inside: list[Measure]) -> int:
    return 1 + max(measure.depth for measure in inside)


def _plain(kind: str, node: object) -> Tree:
    logical = node.get("logicalType") if isinstance(node, dict) else None
    if isinstance(logical, str) and LOGICAL.get(logical) == kind:
        return {"type": kind, "logicalType": logical}
    return kind


def _name_of(branch: Tree) -> str:
    """What tells the branches of a union apart."""
    if isinstance(branch, dict):
        return str(branch.get("name", branch["type"]))
    return str(branch)


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _named(node: dict[str, Any], space: str) -> str:
    """The full name of the type that *node* defines."""
    name, own = node.get("name"), node.get("namespace", space)
    if not isinstance(name, str) or not isinstance(own, str):
        raise Malformed("bad_name", "a name or namespace that is no text")
    full = _full(name, own)
    for part in full.split("."):
        _good_name(part)
    if full in LEAST or full == "null":
        raise Malformed("bad_name", "a type named as a plain one")
    return full


def _good_name(name: object) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Malformed("bad_name", f"names are {NAME.pattern}, with dots between them")
    return name
