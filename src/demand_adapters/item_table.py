"""What a table can honestly do, on every engine, and the feed of what was done to it.

The promises are DynamoDB's: single-item writes on condition, no transactions, no counters, no
scans. A condition compares the opaque `revision` and nothing else. Whoever needs order keeps it
in the body.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from attrs import frozen

from demand_adapters.shard_reader import Shard
from demand_core.domain.changes import ChangeKind, RemovedBy

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

Key: TypeAlias = tuple[str, str]
Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value] | None"
Body: TypeAlias = dict[str, Value]

INDEXES: Final = frozenset({"byTime", "byGroup", "byId", "byMessage"})
# These two are only asked for what they hold; their range is the item's own sort key.
OWN_RANGE: Final = frozenset({"byId", "byMessage"})
NOWHERE: Final[Mapping[str, Key]] = MappingProxyType({})


class Item:
    """One item. *index* names the sparse indexes it is in; *revision* is the engine's.

    An engine may give a function for the body, which is called when somebody looks: most who
    read an item only want to know whether it is still the one they know.
    """

    __slots__ = ("_body", "expires_at", "index", "key", "revision")

    def __init__(
        self,
        key: Key,
        body: Body | Callable[[], Body],
        index: Mapping[str, Key] = NOWHERE,
        expires_at: int | None = None,
        revision: str = "",
    ) -> None:
        """Take the parts as they are; engines copy on the way in and out."""
        self.key = key
        self._body = body
        self.index = index
        self.expires_at = expires_at
        self.revision = revision

    @property
    def body(self) -> Body:
        """All attributes but keys, index entries and the revision."""
        if callable(self._body):
            self._body = self._body()
        return self._body

    def __repr__(self) -> str:
        """Names and no values: a body may hold contacts and codes."""
        return f"Item({self.key[1]!r}, {sorted(self.body)}, revision={self.revision!r})"

    def __eq__(self, other: object) -> bool:
        """Equal in all parts."""
        return isinstance(other, Item) and self._parts() == other._parts()

    __hash__ = None  # type: ignore[assignment]  # a body can change

    def _parts(self) -> tuple[object, ...]:
        return self.key, self.body, dict(self.index), self.expires_at, self.revision


class Did(Enum):
    """What became of one conditional write."""

    DONE = "done"
    LOST = "lost"
    UNSURE = "unsure"


class Wrote(NamedTuple):
    """The answer for one key: *item* stands there now, as far as the engine was told."""

    did: Did
    item: Item | None


class Entry(NamedTuple):
    """What an index knows of an item."""

    sort: str
    key: Key


@frozen
class Page(Generic[T_co]):
    """Some of an answer; it may be short or empty, and only `after is None` ends it."""

    rows: Sequence[T_co]
    after: str | None


@frozen(kw_only=True)
class Change:
    """One done write, as the feed tells it. *change_id* is the same at every delivery."""

    change_id: str
    sequence: int
    at: datetime
    kind: ChangeKind
    key: Key
    old: Item | None
    new: Item | None
    removed_by: RemovedBy | None = None


class ItemTable(Protocol):
    """Items under (partition, sort) keys, with four sparse indexes.

    Every method takes batches of any size, in which no key may stand twice for a write. A batch
    of writes is neither atomic nor ordered. Raises Permanent before anything is written when an
    item could be refused by any engine, and Transient or Unknown when the whole call failed.
    """

    def get_many(
        self, keys: Sequence[Key], /, *, consistent: bool = True
    ) -> Mapping[Key, Item]:
        """The items that are there, in the order asked for; repeats are allowed.

        They need not be of one moment. An answer that is not *consistent* may be old. A key
        that no item can have is answered as absent or refused with Permanent.
        """
        ...

    def put_new(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store each item unless its key is taken; LOST shows what stands there."""
        ...

    def replace(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store each item if the stored revision is still its own.

        DONE shows it with its new revision, LOST what stands there or None when it is gone.
        """
        ...

    def delete(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Remove each item if the stored revision is still its own; answers as `replace`."""
        ...

    def query(
        self, pk: str, /, *, lo: str = "", hi: str | None = None, limit: int, after: str | None
    ) -> Page[Item]:
        """Items of one partition with lo <= sort key <= hi, ascending by bytes, consistent.

        *after* goes on strictly behind the last item answered, even if that one is gone.
        """
        ...

    def query_index(
        self,
        name: str,
        pk: str,
        /,
        *,
        lo: str = "",
        hi: str | None = None,
        limit: int,
        after: str | None,
    ) -> Page[Entry]:
        """Keys in one partition of an index, eventually.

        Entries may be missing, twice or no longer true, and an item that moves may be met twice
        or never: whoever acts reads the item. Equal sort keys come in any order.
        """
        ...


class ChangeFeed(Protocol):
    """Every done write exactly once, in order for each key only; kept for 24 hours at least."""

    def shards(self) -> Sequence[Shard]:
        """The shards there are, parents before their children."""
        ...

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[Change]:
        """At most *limit* changes behind *after* (None: from the oldest kept).

        An empty answer of a closed shard means that it is read to its end. Raises FeedTrimmed
        when what follows *after* is no longer kept.
        """
        ...


def every(read: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """All rows of all pages that *read* answers for a cursor."""
    page = read(None)
    yield from page.rows
    while page.after is not None:
        page = read(page.after)
        yield from page.rows
