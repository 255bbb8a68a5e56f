"""AWS End User Messaging as it is on the wire, and the client that calls it over a socket.

The emulators do not know it. What may be asked for is what the SDK's own model says.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Final

import pytest
from attrs import frozen
from botocore.model import ServiceModel, Shape
from botocore.session import get_session

from demand_adapters.aws.calls import Access, Aws
from demand_adapters.aws.sms_sender import SERVICE, AwsSmsSender
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.sms_sender import SmsAtHand
from demand_adapters.testing.strategies import NOON
from demand_core.domain.ids import NotificationId
from entrypoints.twins.serving import Asked, Said, Served, WireFault, document
from tests.contract.aws.wire_faults import refusal

TARGET: Final = "PinpointSMSVoiceV2.SendTextMessage"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


@cache
def model() -> ServiceModel:
    """The description that the SDK comes with."""
    return get_session().get_service_model(SERVICE)


def flaws(shape: Shape, value: Any) -> Iterator[str]:
    """What of *value* the description does not allow."""
    limits, kind = shape.metadata, shape.type_name
    size = value if kind == "integer" else len(value)
    if not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{shape.name} has {size}"
    if kind == "string" and not re.fullmatch(limits.get("pattern", r"[\s\S]*"), value):
        yield f"{shape.name} has another pattern"
    if "enum" in limits and value not in limits["enum"]:
        yield f"{shape.name} has other words"
    members: Mapping[str, Shape] = getattr(shape, "members", {})
    for name, part in value.items() if kind in {"structure", "map"} else ():
        yield from flaws(members[name] if members else shape.value, part)
    yield from (name for name in limits.get("required", ()) if name not in value)


class AwsSmsTwin:
    """Takes every text that is well described; `history` is what goes out."""

    def __init__(self) -> None:
        self.history = list[Mapping[str, Any]]()
        self.asked = list[Asked]()

    def answer(self, asked: Asked, /) -> Said:
        self.asked.append(asked)
        if asked.headers.get("x-amz-target") != TARGET:
            return refusal("UnknownOperationException")
        text = json.loads(asked.body)
        wrong = [*flaws(model().operation_model("SendTextMessage").input_shape, text)]
        if wrong:
            return refusal("ValidationException", Reason="INVALID_PARAMETER", wrong=wrong)
        self.history.append(text)
        return document(200, {"MessageId": self.message_id(len(self.history))})

    def complaint(self, status: int, /) -> Said:
        code = "ThrottlingException" if status < 500 else "ServiceUnavailable"
        return refusal(code, status)

    def settings(self, url: str, /) -> Mapping[str, str]:
        return {"aws_endpoint": url}

    def message_id(self, n: int) -> str:
        return f"862a8790-60c0-4430-9b2b-{n:012d}"

    def event(self, n: int, event_type: str, **more: object) -> bytes:
        """What is told of the text that was taken as number *n*."""
        text = self.history[n - 1]
        said = {
            "eventType": event_type,
            "eventVersion": "1.0",
            "eventTimestamp": (NOON - EPOCH) // MILLISECOND,
            "messageId": self.message_id(n),
            "destinationPhoneNumber": text["DestinationPhoneNumber"],
            "context": text["Context"],
        }
        return json.dumps({**said, **more}).encode()


@frozen(kw_only=True)
class AwsSmsDesk:
    """Both ends of the wire."""

    clock: MemoryClock
    twin: AwsSmsTwin
    served: Served
    sms: AwsSmsSender
    slept: list[float]

    @property
    def hand(self) -> SmsAtHand:
        """What contracts are tried on."""
        return SmsAtHand(
            sms=self.sms,
            clock=self.clock,
            pass_time=self.clock.advance,
            arrived=lambda: [
                NotificationId(text["Context"]["reference"]) for text in self.twin.history
            ],
        )


@contextmanager
def nobody() -> Iterator[None]:
    """Credentials of nobody, and none of the machine's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_CONFIG_FILE", "none")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@contextmanager
def calling(url: str, clock: MemoryClock, slept: list[float], within_s: float) -> Iterator[Aws]:
    """An account that answers at *url*; pauses take no time, and are noted."""
    access = Access(
        region="us-east-1",
        endpoint_url=url,
        connect_within=timedelta(seconds=2),
        answer_within=timedelta(seconds=within_s),
    )
    aws = Aws(clock=clock, sleep=slept.append, chance=Random(7), access=access)
    with nobody(), closing(aws):
        yield aws


@contextmanager
def aws_sms_desk(
    *plan: WireFault | Said | None,
    endless: Iterable[WireFault | None] = (),
    within_s: float = 10,
    sender: str = "pool-0a1b",
    configuration_set: str | None = None,
) -> Iterator[AwsSmsDesk]:
    """A twin that first does what *plan* says, then what *endless* does."""
    clock, slept, twin = MemoryClock(NOON), list[float](), AwsSmsTwin()
    with (
        Served(twin, plan=[*plan] or endless, drip_s=0.001) as served,
        calling(served.url, clock, slept, within_s) as aws,
    ):
        yield AwsSmsDesk(
            clock=clock,
            twin=twin,
            served=served,
            sms=AwsSmsSender(aws=aws, sender=sender, configuration_set=configuration_set),
            slept=slept,
        )
