"""What can happen to a stored thing, in the words that filters use."""

from enum import Enum


class ChangeKind(Enum):
    """Which of the two images of a change are there."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"


class RemovedBy(Enum):
    """Whether somebody removed it or its time had come."""

    USER = "user"
    EXPIRY = "expiry"
