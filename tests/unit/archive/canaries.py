"""A fan whose names stand nowhere else, an archive that has them, and a search through it."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

from attrs import define, evolve, field

from demand_adapters.archive.delivery import FileArchive
from demand_adapters.archive.erasing import Eraser
from demand_adapters.archive.merge_log import every
from demand_adapters.item_table import ItemTable
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.stores.demand_ledger import TableDemandLedger
from demand_adapters.stores.erasure_book import TableErasureBook
from demand_adapters.stores.notifications import TableNotificationStore
from demand_adapters.testing.strategies import NOON, a_demand, a_notification
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.change_records import encode_record
from demand_core.domain.archive import Archivable, Filed, ToldChange
from demand_core.domain.changes import ChangeKind
from demand_core.domain.contacts import ContactKey, Email, Phone
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.erasures import SETTLES_AFTER, Erasure
from demand_core.domain.ids import FanId
from demand_core.domain.notifications import Channel, Notification, Timeline
from demand_core.ports.file_store import FileStore
from tests.unit.wire.test_archive import changed

FAN: Final = FanId("canary-fan-7d1e")
PHONE: Final = Phone("+13105559041")
EMAIL: Final = Email("Canary.Fan@birds.example")
# However the archive spells it, this is in it.
TELLTALES: Final = (b"canary-fan-7d1e", b"3105559041", b"canary.fan@birds.example")
OLD, NEW = (ContactKey(key_id, key_id.encode() * 8) for key_id in ("k1", "k2"))
MINUTE: Final = timedelta(minutes=1)


def wish(sale: str = "E1.public", **differing: Any) -> Demand:
    """The canary asks for a sale."""
    return a_demand(
        **{
            "fan_id": FAN,
            "sale_id": sale,
            "channels": (Channel.SMS, Channel.EMAIL),
            "phone_number": PHONE,
            "email": EMAIL,
            "date": DemandDates(requested=NOON),
        }
        | differing
    )


def message(**differing: Any) -> Notification:
    """A text to the canary."""
    return a_notification(
        **{
            "fan_id": FAN,
            "phone_number": PHONE,
            "provider": "sms",
            "provider_message_id": "SM-0042",
            "date": Timeline(created=NOON),
        }
        | differing
    )


@define
class Kept:
    """Everything an eraser works on, and the next position of the stream."""

    clock: MemoryClock = field(factory=lambda: MemoryClock(NOON + MINUTE))
    files: FileStore = field(factory=MemoryFileStore)
    keys: Sequence[ContactKey] = (NEW, OLD)
    entropy: MemoryEntropy = field(factory=lambda: MemoryEntropy(7))
    table: ItemTable = field(init=False)
    told: int = 0

    @table.default
    def _empty(self) -> ItemTable:
        return MemoryItemTable(self.clock, Random(7))

    @property
    def book(self) -> TableErasureBook:
        return TableErasureBook(table=self.table, clock=self.clock, keys=self.keys)

    @property
    def demands(self) -> TableDemandLedger:
        return TableDemandLedger(table=self.table, clock=self.clock)

    @property
    def notifications(self) -> TableNotificationStore:
        return TableNotificationStore(table=self.table, clock=self.clock)

    @property
    def archive(self) -> FileArchive:
        return FileArchive(
            files=self.files,
            clock=self.clock,
            erasures=self.book,
            key=self.keys[0],
            stream="changeStream",
            system="demand",
        )

    def eraser(self, files: FileStore | None = None) -> Eraser:
        return Eraser(
            files=files or self.files,
            clock=self.clock,
            entropy=self.entropy,
            book=self.book,
            keys=self.keys,
        )

    def change(self, value: Archivable, kind: ChangeKind = ChangeKind.INSERT) -> ToldChange:
        """The next change of the stream."""
        self.told += 1
        made = evolve(
            changed(value, kind), change_id=f"c{self.told}", at=NOON + self.told * MINUTE / 60
        )
        return self.raw(encode_record(made))

    def raw(self, payload: bytes) -> ToldChange:
        """Whatever comes next."""
        self.told += 1
        return ToldChange(shard="s0", position=self.told, at=NOON, payload=payload)

    def deliver(self, *changes: ToldChange) -> Sequence[Filed]:
        return self.archive.deliver(changes)

    def fill(self) -> None:
        """The canary among others, alive and in the archive, and in what was set aside."""
        self.demands.ask([wish(), wish("E1.any"), *map(a_demand, range(3))])
        self.notifications.create([message(), *map(a_notification, range(3))])
        self.deliver(*map(self.change, [wish(), *map(a_demand, range(20))]))
        self.deliver(self.change(wish("E1.any")), self.change(message()))
        self.deliver(self.change(wish(), ChangeKind.MODIFY), self.change(a_demand(21)))
        self.deliver(self.raw(spoilt(wish("E2.public", event_id="E2"))), self.raw(b"{}"))

    def erase(self) -> Erasure:
        """From the asking to the end, with all that was under way arrived."""
        asked = self.eraser().ask(FAN, "a test")
        self.eraser().go_on([asked.erasure_id])
        self.clock.advance(SETTLES_AFTER)
        (erasure,) = self.eraser().go_on()
        return erasure


def spoilt(value: Demand) -> bytes:
    """Its change as somebody writes it who forgot the sale."""
    record = json.loads(encode_record(changed(value)))
    del record["dynamodb"]["NewImage"]["saleId"]
    return json.dumps(record).encode()


def rows(files: FileStore, prefix: str = "data/") -> Iterator[dict[str, Any]]:
    """Every row under *prefix*."""
    for found in every(files, prefix):
        yield from read(files.read(found.key) or ())


def found_in(kept: Kept) -> list[str]:
    """Where any telltale stands, in files or items, without any code of the eraser's."""
    hits = [
        found.key
        for found in every(kept.files, "")
        if any(tale in plain(kept.files, found.key) for tale in TELLTALES)
    ]
    items = kept.table.query(f"fan:{FAN}", limit=100, after=None).rows
    return hits + [f"{item.key[1]} of the fan" for item in items]


def plain(files: FileStore, key: str) -> bytes:
    """What a file holds, in small letters; of an object its rows."""
    if key.endswith(".avro"):
        told = repr([*read(files.read(key) or ())]).encode()
    else:
        told = b"".join(files.read(key) or ())
    return told.lower()


def totals(files: FileStore) -> Counter[tuple[object, ...]]:
    """What analysts count: rows by all that says nothing of who it was."""
    return Counter(
        (r["recordtype"], r["eventid"], r["changeid"], r["changekind"], r["isdeleted"])
        for r in rows(files)
    )


def entities(files: FileStore) -> Counter[int]:
    """How many things have how many rows, and how many fans as many."""
    things = Counter(row["referenceid"] for row in rows(files))
    fans = Counter(row["fanid"] for row in rows(files))
    return Counter(things.values()) + Counter(-times for times in fans.values())
