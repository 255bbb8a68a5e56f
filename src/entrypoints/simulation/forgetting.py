"""A scenario of fans who are to be forgotten while they are told of a sale and all is kept."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from attrs import evolve, frozen

from demand_adapters.archive.erasing import Eraser
from demand_adapters.archive.listing import parts
from demand_adapters.archive.merging import Merger
from demand_adapters.item_table import Change, Item
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.testing.fault_plans import Plan
from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.items import DEMAND
from demand_core.domain.demands import Demand
from demand_core.domain.erasures import SETTLES_AFTER
from demand_core.domain.ids import DemandSaleId, EventId
from demand_core.domain.notifications import Channel
from demand_core.errors import Permanent, Transient
from demand_core.topology.archive import ROWS
from entrypoints.settings import Settings
from entrypoints.simulation import checkers, texting
from entrypoints.simulation.archiving import content, keys, spoilt, stored_rows
from entrypoints.simulation.reminders import MINUTE, TIDE, Crowd, Reminders
from entrypoints.simulation.world import START, Weather, World

BY: Final = "an operator"
# Somebody else's event, for which a wish came that lacks its sale.
E2: Final = EventId("E2")
# A check that was made before holds for a few seconds, and a call takes some.
UNDER_WAY: Final = timedelta(minutes=2)


@frozen(kw_only=True)
class Forgotten:
    """Every other fan is to be forgotten, at any time; days are merged all the while."""

    reminders: Reminders
    # How long people go on asking, and somebody merges.
    busy: timedelta = timedelta(minutes=80)

    @property
    def lasts(self) -> timedelta:
        """So long that all is settled and said again."""
        return self.reminders.lasts + 2 * SETTLES_AFTER

    @property
    def calm_after(self) -> timedelta:
        """As for the reminders alone."""
        return self.reminders.calm_after

    @property
    def leaving(self) -> tuple[Demand, ...]:
        """One wish of each fan who goes."""
        return tuple(self.reminders.wishes())[::2]

    def world(self, seed: int, weather: Weather, plan: Plan, settings: Settings) -> World:
        """That of the reminders, with what people do beside."""
        world = self.reminders.world(seed, weather, plan, settings)
        chance = world.engines.entropy.stream("operators")
        for wish in self.leaving:
            spoils = evolve(wish, event_id=E2, sale_id=DemandSaleId(f"{E2}.public"))
            world.engines.table.put_new([spoilt(spoils)])
            # Who asks for a sale after that comes back, and is no longer to be forgotten.
            since = max(wish.date.requested, START)
            asks = since + (START + self.busy - since) * chance.random()
            world.at(asks, partial(self._ask, world, wish.fan_id))
        for minute in range(3, self.lasts // MINUTE, 3):
            world.at(START + minute * MINUTE, partial(_go_on, world))
        for _ in range(6):
            world.at(START + self.busy * chance.random(), partial(_merge, world))
        world.at(START + self.reminders.lasts, partial(_merge, world))
        return world

    def expected(self, weather: Weather) -> Mapping[str, int]:
        """Nobody of them is found anywhere, and every count is as if they were."""
        del weather
        return {
            "duplicates": 0,
            "too_late": 0,
            "texted_after": 0,
            "dead_letters": 0,
            "forgotten": len(self.leaving),
            "unfinished": 0,
            "hits": 0,
            "missing": 0,
            "strange": 0,
            "split": 0,
            "untold": 0,
        }

    def observed(self, world: World) -> Mapping[str, int]:
        """Searched for byte by byte, and counted beside the table's own history."""
        rows = [*stored_rows(world.engines.files)]
        told = {change.change_id: change for change in checkers.changes(world)}
        kept = {row["changeid"] for row in rows}
        good = {number for number, change in told.items() if _makes_a_row(change)}
        things = {change.key for number, change in told.items() if number in good}
        book = world.outside.erasures
        finished = [erasure.finished for erasure in book.all()]
        return {
            "duplicates": len(texting.duplicates(world)),
            "too_late": len(texting.too_late(world)),
            "texted_after": len([*self._texted_after(world)]),
            "dead_letters": len(checkers.dead_letters(world)),
            "forgotten": len({erasure.subject for erasure in book.all() if erasure.finished}),
            "unfinished": finished.count(False),
            "hits": len([*self.found(world)]),
            "missing": len(good - kept),
            "strange": len(kept - good),
            "split": len({row["referenceid"] for row in rows}) - len(things),
            "untold": len([*self._untold(world)]),
            "rows": len(rows),
            "merged": len(keys(world.engines.files, "merged/")),
            "receipts": len(keys(world.engines.files, "receipts/")),
            "texts": len(world.engines.sms.history),
        }

    def subjects(self) -> Mapping[str, str]:
        """As of the reminders."""
        return self.reminders.subjects()

    def telltales(self) -> Mapping[str, list[bytes]]:
        """What gives each of them away, in small letters."""
        return {
            wish.fan_id: [
                text.lower().encode()
                for text in (
                    wish.fan_id,
                    wish.phone_number.reveal()[1:] if wish.phone_number else "",
                    wish.email.reveal() if wish.email else "",
                )
                if text
            ]
            for wish in self.leaving
        }

    def found(self, world: World) -> Iterator[str]:
        """Files and items in which anything of them stands."""
        tales = [tale for found in self.telltales().values() for tale in found]
        for key in keys(world.engines.files, ""):
            if any(tale in _plain(world.engines.files, key) for tale in tales):
                yield key
        for item in world.engines.table.items():
            told = repr((item.key, item.body, dict(item.index))).lower().encode()
            if any(tale in told for tale in tales):
                yield "/".join(item.key)

    def _ask(self, world: World, fan_id: str) -> None:
        """Ask until somebody says that it was heard."""
        asked = world.living("erase", lambda: _answered(world, fan_id))
        if not asked:
            world.at(world.clock.now() + MINUTE, partial(self._ask, world, fan_id))

    def _texted_after(self, world: World) -> Iterator[str]:
        at = {erasure.subject: erasure.until for erasure in world.outside.erasures.all()}
        for wish in self.leaving:
            asked = at.get(world.outside.erasures.subject(("fan", wish.fan_id)))
            for text in world.engines.sms.history:
                to = wish.phone_number and wish.phone_number.reveal()
                if asked and text.order.to.reveal() == to and text.at > asked + UNDER_WAY:
                    yield text.order.reference

    def _untold(self, world: World) -> Iterator[str]:
        """Fans who stay and have no message at all."""
        told = {row.fan_id for row in texting.rows(world).values()}
        gone = {wish.fan_id for wish in self.leaving}
        for wish in self.reminders.wishes():
            if wish.fan_id not in gone | told:
                yield wish.fan_id


def _eraser(world: World) -> Eraser:
    return Eraser(
        files=world.ports.files,
        clock=world.clock,
        entropy=world.engines.entropy,
        book=world.ports.erasures,
        keys=world.engines.contact_keys,
    )


def _answered(world: World, fan_id: str) -> bool:
    try:
        _eraser(world).ask(fan_id, BY)
    except (Transient, Permanent):
        return False
    return True


def _go_on(world: World) -> None:
    world.living("erase", lambda: _tried(lambda: _eraser(world).go_on()))


def _merge(world: World) -> None:
    def merge() -> None:
        merger = Merger(files=world.ports.files, clock=world.clock)
        for record_type in sorted(RECORD_TYPES):
            for part in parts(world.ports.files, record_type):
                merger.merge(part.place)

    world.living("merge", lambda: _tried(merge))


def _tried(do: Any) -> bool:
    """Whoever is not served says it again later."""
    try:
        do()
    except (Transient, Permanent):
        return False
    return True


def _makes_a_row(change: Change) -> bool:
    image = change.new or change.old
    return image is not None and image.body.get("type") in RECORD_TYPES and not _spoilt(image)


def _spoilt(item: Item) -> bool:
    return item.body["type"] == DEMAND.name and "saleId" not in item.body


def _plain(files: MemoryFileStore, key: str) -> bytes:
    """What a file holds, in small letters; of an object its rows."""
    told = content(files, key)
    return (repr([*read(told)]).encode() if key.endswith(".avro") else told).lower()


def forgotten(scale: float) -> Forgotten:
    """Ten fans are told of one sale, and five of them are to be forgotten."""
    fans = max(2, round(8 * scale))
    both = (Channel.SMS, Channel.EMAIL)
    return Forgotten(
        reminders=Reminders(
            shows=(TIDE,),
            crowds=(
                Crowd(show=TIDE, fans=fans, channels=both),
                Crowd(show=TIDE, fans=2, asks=timedelta(minutes=41)),
            ),
            goal={"total": 0},
            beside=ROWS,
        )
    )
