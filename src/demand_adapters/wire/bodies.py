"""What queues and streams carry: one JSON object for each value."""

import json
from typing import Final, TypeVar

from demand_adapters.wire.converters import structured, unstructured
from demand_core.errors import Permanent

T = TypeVar("T")


def _refused(word: str) -> float:
    raise ValueError(word)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_DECODER: Final = json.JSONDecoder(parse_constant=_refused)


def encode(body: object) -> bytes:
    """*body* as it travels; raises Permanent for one that could not be read again."""
    try:
        return _ENCODER.encode(unstructured(body)).encode()
    except UnicodeEncodeError:
        # The codec's own error would show the text.
        raise Permanent("bad_text", "half a surrogate pair") from None


def plain(payload: bytes) -> object:
    """The JSON document in *payload*; raises Permanent for anything else."""
    try:
        return _DECODER.decode(payload.decode())
    except (ValueError, RecursionError):
        raise Permanent("bad_json", "not one JSON document in UTF-8") from None


def decode(kind: type[T], payload: bytes) -> T:
    """The value of *kind* in *payload*; raises Permanent naming what is wrong and where."""
    return structured(kind, plain(payload))
