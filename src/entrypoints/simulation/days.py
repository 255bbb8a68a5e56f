"""A whole day of sales: open to everybody, to a few, and some of which nobody is told."""

from datetime import timedelta
from typing import Final

from demand_core.domain.ids import EventId
from demand_core.domain.notifications import Channel
from entrypoints.simulation.reminders import TIDE, Crowd, Reminders, Show

HOUR: Final = timedelta(hours=1)
BOTH: Final = (Channel.SMS, Channel.EMAIL)
VERIFIED: Final = "Ticketmaster Verified Fan® Presale"
REGISTRATION: Final = "Verified Fan Registration"
CARD: Final = "American Express® Early Access"

GANNET: Final = Show(
    event_id=EventId("vvG1IZ9YbnDay1"),
    artist="Gannet",
    presales=((VERIFIED, 2 * HOUR), (REGISTRATION, 3 * HOUR)),
    public=4 * HOUR,
)
COPPER: Final = Show(
    event_id=EventId("vvG1IZ9YbnDay2"),
    artist="The Copper Orchard",
    artist_id="K8vZ9170002",
    presales=((CARD, 3 * HOUR),),
    public=8 * HOUR,
)
HUSH: Final = Show(
    event_id=EventId("vvG1IZ9YbnDay3"),
    artist="Hush",
    artist_id="K8vZ917Hush",
    public=5 * HOUR,
)


def day(scale: float) -> Reminders:
    """Six sales that somebody may be told of, and a registration and an artist who may not."""

    def fans(number: int) -> int:
        return max(1, round(number * scale))

    verified, whole_tour, tide, late, card = map(fans, (120, 40, 60, 10, 50))
    bad = verified // 40
    asked = verified + 4 * whole_tour + tide + late + card
    return Reminders(
        shows=(TIDE, GANNET, COPPER, HUSH),
        crowds=(
            Crowd(show=GANNET, fans=verified, sale=VERIFIED, bad=bad),
            # Of the three sales one is a registration: two are told by text and by e-mail.
            Crowd(show=GANNET, fans=whole_tour, any_sale=True, channels=BOTH),
            Crowd(show=TIDE, fans=tide),
            Crowd(show=TIDE, fans=late, asks=timedelta(minutes=45)),
            Crowd(show=COPPER, fans=card, sale=CARD, asks=2 * HOUR),
            Crowd(show=HUSH, fans=fans(20)),
        ),
        goal={"total": asked, "delivered": asked - bad, "failed": bad, "skipped": 0},
        lasts=9 * HOUR,
        # Ten minutes before it is too late for the last sale; for the others nothing ends.
        calm_after=timedelta(hours=7, minutes=48),
        suppressed_artists=HUSH.artist_id,
    )
