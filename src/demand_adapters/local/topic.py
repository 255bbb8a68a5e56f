"""A topic whose queues are in the database."""

from collections.abc import Sequence

from demand_adapters.local.database import Database
from demand_adapters.local.queue import LocalQueue
from demand_adapters.topic import Passed, Topic
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy


class LocalTopic(Topic[LocalQueue]):
    """What is published is in all queues or in none, also after a power cut."""

    def __init__(
        self, database: Database, clock: Clock, entropy: Entropy, *, name: str
    ) -> None:
        """Whoever starts the process subscribes the queues: that is not kept."""

        def put_all(passed: Sequence[Passed[LocalQueue]]) -> None:
            with database.write() as cursor:
                for one in passed:
                    one.queue.put_within(cursor, [one.payload], attributes=one.attributes)

        super().__init__(clock, name=name, fresh_id=entropy.fresh_id, put_all=put_all)
