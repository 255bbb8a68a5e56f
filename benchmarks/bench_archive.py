"""Delivery and queries of the archive against what a script of an afternoon would do.

Delivery: events of Lambda, 1,000 changes each, of 50,000 wishes. Ours reads them, checks each
row and stores objects and indexes in memory. The peer is boto3's own deserializer, fastavro's
validator and its writer, target at least 2.3 times as fast; the floor is base64 and JSON alone,
target at most 3.2 times its time. Query: a count over the files, against `fastavro.reader`
reading their rows, target at most 2.5 times its time. CPU time of one process.
"""

import base64
import io
import json
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import fastavro
from boto3.dynamodb.types import TypeDeserializer

from demand_adapters.archive.delivery import FileArchive
from demand_adapters.archive.queries import ArchiveQueries
from demand_adapters.item_table import Change
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.stores.erasure_book import TableErasureBook
from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.change_records import encode_record
from demand_adapters.wire.item_keys import demand_key
from demand_adapters.wire.items import DEMAND
from demand_adapters.wire.kinesis_events import records_in
from demand_core.domain.archive import Fate
from demand_core.domain.changes import ChangeKind
from demand_core.domain.contacts import ContactKey, Phone
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.ids import DemandSaleId, EventId, FanId
from demand_core.domain.notifications import Channel
from entrypoints.running import told_change

BATCHES = 50
ROWS = 1_000
ROUNDS = 3
PEER_MIN = 2.3
FLOOR_MAX = 3.2
QUERY_MAX = 2.5
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
SCHEMA = fastavro.parse_schema(json.loads(RECORD_TYPES["demand"].schema.json))


def change(n: int) -> Change:
    """One wish."""
    at = NOON + 37 * n * MS
    wish = Demand(
        fan_id=FanId(f"fan{n:08}"),
        event_id=EventId(f"G5v0Z9{n % 40:04}"),
        sale_id=DemandSaleId(f"G5v0Z9{n % 40:04}.public"),
        channels=(Channel.SMS,),
        phone_number=Phone(f"+1212{2_000_000 + n}"),
        locale="en-us",
        date=DemandDates(requested=at),
    )
    key = demand_key(wish.ref)
    item = DEMAND.item(key, wish, None, at)
    return Change(
        change_id=f"{n * 2_654_435_761 % 2**64:016x}",
        sequence=n + 1,
        at=at,
        kind=ChangeKind.INSERT,
        key=key,
        old=None,
        new=item,
    )


def event(batch: int) -> bytes:
    """What Lambda is given."""
    records = [
        {
            "eventID": f"shardId-000000000000:{n + 1}",
            "kinesis": {
                "sequenceNumber": str(n + 1),
                "partitionKey": "p",
                "data": base64.b64encode(encode_record(change(n))).decode(),
                "approximateArrivalTimestamp": 1_800_000_000.5,
            },
        }
        for n in range(batch * ROWS, (batch + 1) * ROWS)
    ]
    return json.dumps({"Records": records}).encode()


def ours(events: Sequence[bytes]) -> MemoryFileStore:
    """What `deliver_changes` does with them."""
    files, clock = MemoryFileStore(), MemoryClock(NOON)
    key = ContactKey("bench", b"sixteen bytes at least")
    table = MemoryItemTable(clock, Random(7))
    archive = FileArchive(
        files=files,
        clock=clock,
        erasures=TableErasureBook(table=table, clock=clock, keys=[key]),
        key=key,
        stream="changeStream",
        system="demand",
    )
    for told in events:
        changes = [told_change(record.delivered()) for record in records_in(told)]
        filed = archive.deliver(changes)
        if any(became.fate is not Fate.KEPT for became in filed):
            raise SystemExit("not every change was kept")
    return files


def peer(events: Sequence[bytes]) -> None:
    """What the libraries do that are at hand, one after the other."""
    deserialize = TypeDeserializer().deserialize
    for told in events:
        rows = []
        for record in json.loads(told)["Records"]:
            inner = json.loads(base64.b64decode(record["kinesis"]["data"]))
            image = inner["dynamodb"]["NewImage"]
            body = {name: deserialize(value) for name, value in image.items()}
            row = peer_row(body, inner)
            fastavro.validate(row, SCHEMA, raise_errors=True)
            rows.append(row)
        fastavro.writer(io.BytesIO(), SCHEMA, rows, codec="deflate")


def peer_row(body: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    """The same row, without a check of its own."""
    micros = inner["dynamodb"]["ApproximateCreationDateTime"]
    requested = datetime.fromisoformat(body["date"]["requested"])
    return {
        "recordtype": body["type"],
        "systemid": "demand",
        "referenceid": f"{body['fanId']}#{body['eventId']}#{body['saleId']}",
        "changeid": inner["eventID"],
        "changekind": inner["eventName"],
        "changedat": EPOCH + timedelta(microseconds=micros),
        "version": int(body["version"]),
        "schemaversion": int(body["schemaVersion"]),
        "isdeleted": False,
        "deletionreason": None,
        "fanid": body["fanId"],
        "eventid": body["eventId"],
        "saleid": body["saleId"],
        "channels": body["channels"],
        "phonenumber": body.get("phoneNumber"),
        "email": body.get("email"),
        "locale": body.get("locale"),
        "date": {
            "requested": requested,
            "updated": None,
            "triggered": None,
            "notified": None,
            "deleted": None,
        },
    }


def floor(events: Sequence[bytes]) -> None:
    """What nobody can do without."""
    for told in events:
        for record in json.loads(told)["Records"]:
            json.loads(base64.b64decode(record["kinesis"]["data"]))


def asked(files: MemoryFileStore) -> None:
    """One query that needs all rows."""
    sql = "SELECT COUNT(*), MAX(date.requested) FROM demand_log"
    with ArchiveQueries(files=files).ask(sql) as answer:
        ((count, _),) = answer.rows
    if count != BATCHES * ROWS:
        raise SystemExit(f"{count} rows were found")


def bare(files: MemoryFileStore) -> None:
    """The rows alone."""
    for found in files.list("data/", limit=BATCHES):
        for _ in fastavro.reader(io.BytesIO(b"".join(files.read(found.key) or ()))):
            pass


def seconds(work: Callable[[], object]) -> float:
    """CPU time, of the process with all its threads."""
    since = time.process_time()
    work()
    return time.process_time() - since


def compared(what: str, found: float, bound: float, *, at_least: bool) -> bool:
    """Print one ratio beside what was asked of it."""
    fits = found >= bound if at_least else found <= bound
    word = "at least" if at_least else "at most"
    print(f"{what:<44}{found:8.2f}   {word} {bound}{'' if fits else '   MISSED'}")
    return fits


def main() -> int:
    """Each in turns, for the machine is not always as fast."""
    events = [event(batch) for batch in range(BATCHES)]
    files = ours(events)
    rounds = [
        {
            "ours": seconds(lambda: ours(events)),
            "peer": seconds(lambda: peer(events)),
            "floor": seconds(lambda: floor(events)),
            "query": seconds(lambda: asked(files)),
            "bare": seconds(lambda: bare(files)),
        }
        for _ in range(ROUNDS)
    ]
    took = {name: statistics.median(round_[name] for round_ in rounds) for name in rounds[0]}
    each = 1e6 / (BATCHES * ROWS)
    print("   ".join(f"{name} {spent * each:.1f} us a change" for name, spent in took.items()))
    fits = [
        compared(
            "delivery, times as fast as the peer",
            took["peer"] / took["ours"],
            PEER_MIN,
            at_least=True,
        ),
        compared(
            "delivery, times the floor", took["ours"] / took["floor"], FLOOR_MAX, at_least=False
        ),
        compared(
            "query, times bare reading", took["query"] / took["bare"], QUERY_MAX, at_least=False
        ),
    ]
    return 0 if all(fits) else 1


if __name__ == "__main__":
    raise SystemExit(main())
