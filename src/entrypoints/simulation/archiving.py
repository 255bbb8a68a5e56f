"""Scenarios of the archive: wishes come, go and are spoilt, and every change must be found."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from attrs import evolve, frozen

from demand_adapters.archive.delivery import FileArchive
from demand_adapters.archive.errors import ErrorFiles
from demand_adapters.item_table import Item
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.testing.fault_plans import Plan
from demand_adapters.wire.archive_errors import ERRORS, parsed
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.item_keys import demand_key
from demand_adapters.wire.items import DEMAND
from demand_core.domain.contacts import Phone
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.ids import DemandSaleId, EventId, FanId
from demand_core.domain.notifications import Channel
from demand_core.errors import WiringError
from demand_core.topology.archive import ROWS
from entrypoints.settings import Settings
from entrypoints.simulation import checkers
from entrypoints.simulation.world import START, Weather, World

E1: Final = EventId("E1")
SALE: Final = DemandSaleId("E1.public")
# How many ask in one moment.
CROWD: Final = 500
# Every source delivers twice now and then; here it is part of the story.
TWICE: Final = 0.1
FILES: Final = range(50, 251)
SPOILT_EVERY: Final = 5


@frozen(kw_only=True)
class Keeping:
    """Fans ask within a while; the first *leaving* take it back, *spoilt* lack their sale.

    What was set aside is mended and replayed, twice, when all others are through.
    """

    fans: int
    leaving: int = 0
    spoilt: int = 0
    asks_within: timedelta = timedelta(minutes=5)
    lasts: timedelta = timedelta(minutes=30)
    # The story says how many files a surge of that size may make.
    counts_files: bool = False

    @property
    def calm_after(self) -> timedelta:
        """Before anybody mends what was set aside."""
        return self.lasts * 2 / 3

    def world(self, seed: int, weather: Weather, plan: Plan, settings: Settings) -> World:
        """Crowds ask, one after the other; each that leaves does so ten minutes later."""
        world = World(
            seed,
            weather=evolve(weather, duplicates=max(weather.duplicates, TWICE)),
            plan=plan,
            settings=settings,
            rows=ROWS,
        )
        for first in range(0, self.fans, CROWD):
            some = range(first, min(first + CROWD, self.fans))
            at = START + self.asks_within * first / self.fans
            world.at(at, partial(self._ask, world, some, at))
            world.at(at + timedelta(minutes=10), partial(self._leave, world, some))
        for times in range(2):
            later = START + self.lasts - timedelta(minutes=2 - times)
            world.at(later, partial(_mend, world))
        return world

    def expected(self, weather: Weather) -> Mapping[str, int]:
        """Every change of every wish, in whatever weather."""
        del weather
        wanted = {
            "wishes": self.fans,
            "standing": self.fans - self.leaving,
            "withdrawn": self.leaving,
            "missing": 0,
            "strange": 0,
            "replayed": self.spoilt,
            "set_aside": 0,
            "contacts_of_the_withdrawn": 0,
        }
        return wanted | ({"files_as_said": 1} if self.counts_files else {})

    def observed(self, world: World) -> Mapping[str, int]:
        """Counted from the files themselves, beside the table's own history."""
        files = world.engines.files
        rows = [*stored_rows(files)]
        told = {change.change_id for change in checkers.changes(world)}
        kept = {row["changeid"] for row in rows}
        latest = Counter(row["isdeleted"] for row in states(rows))
        replayed = [
            original
            for key in keys(files, "errors/replayed/")
            for original in parsed(content(files, key)).originals
        ]
        made = len(keys(files, "data/"))
        return {
            "wishes": sum(latest.values()),
            "standing": latest[False],
            "withdrawn": latest[True],
            "missing": len(told - kept),
            "strange": len(kept - told),
            "replayed": len(set(replayed)),
            "set_aside": sum("/replayed/" not in key for key in keys(files, ERRORS)),
            "contacts_of_the_withdrawn": sum(
                row["isdeleted"] and row["phonenumber"] != "[redacted]" for row in rows
            ),
            **({"files_as_said": int(made in FILES)} if self.counts_files else {}),
            "files": made,
            "rows": len(rows),
            "changes": len(told),
        }

    def subjects(self) -> Mapping[str, str]:
        """A fan is named by the id."""
        return {
            text: fan_id(n)
            for n in range(self.fans)
            for text in (fan_id(n), f"fan:{fan_id(n)}")
        }

    def _ask(self, world: World, some: Iterable[int], at: datetime) -> None:
        """Those of *some* that are spoilt come past our own ledger."""
        good = [n for n in some if not self._spoils(n)]
        if world.outside.demands.ask([wish(n, at) for n in good]):
            raise WiringError("somebody outside lost a write, and nothing was set against them")
        world.engines.table.put_new([spoilt(wish(n, at)) for n in some if self._spoils(n)])

    def _spoils(self, n: int) -> bool:
        """One in so many, so that every crowd has some."""
        return self.spoilt > 0 and n % SPOILT_EVERY == 0

    def _leave(self, world: World, some: Iterable[int]) -> None:
        going = [demand_key(wish(n, START).ref) for n in some if n < self.leaving]
        there = world.engines.table.get_many(going)
        world.engines.table.delete([*there.values()])


def fan_id(n: int) -> str:
    """Of the *n*-th fan."""
    return f"K{n:06d}"


def wish(n: int, at: datetime) -> Demand:
    """What the *n*-th fan asks for."""
    return Demand(
        fan_id=FanId(fan_id(n)),
        event_id=E1,
        sale_id=SALE,
        channels=(Channel.SMS,),
        phone_number=Phone(f"+1310555{n % 10_000:04d}"),
        date=DemandDates(requested=at),
    )


def spoilt(demand: Demand) -> Item:
    """The item of *demand* as somebody writes it who forgot the sale."""
    made = DEMAND.item(demand_key(demand.ref), demand, None, START)
    body = {name: part for name, part in made.body.items() if name != "saleId"}
    return Item(made.key, body, made.index)


def _mend(world: World) -> None:
    """People look at what was set aside, give it back its sale and replay it."""
    archive = world.outside.archive
    if not isinstance(archive, FileArchive):
        raise WiringError("nothing can be replayed into an archive of another kind")
    errors = ErrorFiles(files=world.engines.files, archive=archive)
    for key in [*errors.waiting()]:
        originals = errors.document(key).originals
        errors.replay(key, [_mended(original) for original in originals])


def _mended(original: bytes) -> bytes:
    record = json.loads(original)
    for image in {"NewImage", "OldImage"} & record["dynamodb"].keys():
        record["dynamodb"][image]["saleId"] = {"S": SALE}
    return json.dumps(record).encode()


def keys(files: MemoryFileStore, prefix: str) -> list[str]:
    """All keys under *prefix*."""
    return [found.key for found in files.list(prefix, limit=1_000_000)]


def content(files: MemoryFileStore, key: str) -> bytes:
    """What stands there."""
    return b"".join(files.read(key) or ())


def stored_rows(files: MemoryFileStore) -> Iterator[dict[str, Any]]:
    """Every row of every object, as often as it stands there."""
    for key in keys(files, "data/"):
        yield from read(content(files, key))


def states(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The last row of each thing, by its version; a removal comes after all."""
    last = dict[tuple[str, str], dict[str, Any]]()
    for row in rows:
        named = (row["recordtype"], row["referenceid"])
        if named not in last or _age(last[named]) < _age(row):
            last[named] = row
    return last.values()


def _age(row: dict[str, Any]) -> tuple[int, datetime, bool]:
    return row["version"], row["changedat"], row["isdeleted"]


def surge(scale: float) -> Keeping:
    """Fifty thousand ask within five minutes."""
    fans = max(1, round(50_000 * scale))
    return Keeping(fans=fans, counts_files=scale >= 1)


def deletion_audit(scale: float) -> Keeping:
    """Twelve thousand take their wishes back, and people must be able to tell."""
    fans = max(1, round(15_000 * scale))
    return Keeping(fans=fans, leaving=round(12_000 * scale))


def bad_records(scale: float) -> Keeping:
    """Two hundred in a thousand come without their sale."""
    fans = max(SPOILT_EVERY, round(1000 * scale) // SPOILT_EVERY * SPOILT_EVERY)
    return Keeping(fans=fans, spoilt=fans // SPOILT_EVERY)
