"""The workers that keep every change."""

from datetime import timedelta
from typing import Final

from demand_core.topology.channels import CHANGES
from demand_core.topology.shapes import Every, Stream, Worker

ROWS: Final = (
    Worker(
        name="deliver_changes",
        subsystem="archive",
        origin="deliveryWorker",
        # Each batch makes files of its own, and a change shall be seen within a minute.
        triggers=(Stream(CHANGES, held=True, gather=timedelta(seconds=30)),),
        # What Lambda takes of a stream at once, and what one file of a calm day holds.
        batch_max=1000,
        about="keeps every change of wishes, events, sales and messages for good",
    ),
    Worker(
        name="clear_errors",
        subsystem="archive",
        origin="clearErrors",
        triggers=(Every(period=timedelta(minutes=15)),),
        about="removes what was set aside 30 days ago and nobody mended",
    ),
)
