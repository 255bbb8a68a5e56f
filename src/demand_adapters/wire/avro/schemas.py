"""A schema: checked, parsed and named by its fingerprint, once."""

import json
from functools import lru_cache
from typing import Any, Final, Self

import fastavro.schema
from attrs import field, frozen

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.limits import LIMITS, Limits
from demand_adapters.wire.avro.shapes import LOGICAL, Tree, checked


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _refused(word: str) -> float:
    raise ValueError(word)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refused)
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


@frozen(kw_only=True)
class Schema:
    """The type of the rows of a container. Two are equal when their JSON is.

    *json* has no spaces, keeps its order and is ASCII, so that it is the same bytes wherever it
    is written. *fingerprint* is the CRC-64-AVRO of the parsing canonical form, as the hex of
    eight bytes, lowest first: documentation and defaults do not change it. *tree* is what
    decides how rows are encoded, all names in full; *parsed* is fastavro's own form of it, and
    *bare* the same without logical types.
    A row has at least *least* bytes and takes at most *weight* bytes of memory for each.
    """

    json: str
    fingerprint: str = field(eq=False)
    tree: dict[str, Any] = field(eq=False, repr=False)
    parsed: Any = field(eq=False, repr=False)
    bare: Any = field(eq=False, repr=False)
    least: int = field(eq=False, repr=False)
    weight: int = field(eq=False, repr=False)

    @classmethod
    def of(cls, text: str | bytes, *, limits: Limits = LIMITS) -> Self:
        """The schema that *text* spells; raises Malformed for one that is over a limit too.

        The last few are remembered: a merge opens hundreds of files of one schema.
        """
        return cls._parsed(text, limits)

    @classmethod
    @lru_cache(maxsize=16)
    def _parsed(cls, text: str | bytes, limits: Limits) -> Self:
        if len(text) > limits.schema_bytes_max:
            most = limits.schema_bytes_max
            raise Malformed("schema_too_large", f"a schema of more than {most} bytes")
        try:
            document = _DECODER.decode(text if isinstance(text, str) else text.decode())
            spelled = _ENCODER.encode(document)
        except (ValueError, RecursionError):
            raise Malformed("bad_schema", "not one JSON document in UTF-8") from None
        tree, measure = checked(document, limits)
        bare = _canonical(tree)
        canonical = _ENCODER.encode(bare)
        return cls(
            json=spelled,
            fingerprint=fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"),
            tree=tree,
            parsed=fastavro.schema.parse_schema(tree),
            bare=fastavro.schema.parse_schema(bare),
            least=measure.least,
            weight=measure.weight,
        )

    def row_bytes_max(self, limits: Limits) -> int:
        """The largest row whose decoded values are sure to fit the memory allowed."""
        return limits.row_memory_max // self.weight


def _canonical(tree: Tree) -> Tree:
    """*tree* without logical types; the rest of the parsing canonical form is made already."""
    match tree:
        case {"logicalType": logical}:
            return LOGICAL[logical]
        case dict():
            return {key: _canonical(part) for key, part in tree.items()}
        case list():
            return [_canonical(part) for part in tree]
    return tree
