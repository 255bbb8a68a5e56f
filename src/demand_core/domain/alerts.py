"""What people are told about the work itself."""

from attrs import frozen


@frozen(kw_only=True)
class Alert:
    """One thing somebody should know. Saying the same *key* again is saying it once."""

    key: str
    summary: str
