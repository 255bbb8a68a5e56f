"""What a failed call of AWS means for the caller: one translation for all services.

The service's own sentence may repeat what it was given, so no message of ours holds it; its
code and the request's id are what its support asks for.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from demand_core.errors import (
    DemandError,
    Permanent,
    Transient,
    Unknown,
    Unsent,
    WiringError,
)
from demand_core.ports.clock import Clock

# The service says that it did nothing, and that the same call may work later.
LATER: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "KMSThrottlingException",
        "LimitExceededException",
        "OverLimit",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)

# Who asks for more than a few days does not mean it.
SECONDS_DIGITS_MAX: Final = 6

_PERMIT: Final = "allow it in the role's policy"
_IDENTITY: Final = "give credentials of the right account, or renew them"
_CREATE: Final = "create what it names, or correct the name, the region or the endpoint"
_TIME: Final = "set the clock of this machine"
# Nothing will work until somebody does what stands here.
MEND: Final[Mapping[str, str]] = {
    "403": _PERMIT,  # a head has no body, and so no word of its own
    "AWS.SimpleQueueService.NonExistentQueue": _CREATE,
    "AccessDenied": _PERMIT,
    "AccessDeniedException": _PERMIT,
    "AuthFailure": _IDENTITY,
    "AuthorizationError": _PERMIT,
    "ExpiredToken": _IDENTITY,
    "ExpiredTokenException": _IDENTITY,
    "IncompleteSignature": _IDENTITY,
    "IncompleteSignatureException": _IDENTITY,
    "InvalidAccessKeyId": _IDENTITY,
    "InvalidClientTokenId": _IDENTITY,
    "InvalidSignatureException": _IDENTITY,
    "MissingAuthenticationToken": _IDENTITY,
    "MissingAuthenticationTokenException": _IDENTITY,
    "NoSuchBucket": _CREATE,
    "NotFound": _CREATE,
    "NotFoundException": _CREATE,
    "QueueDoesNotExist": _CREATE,
    "RequestExpired": _TIME,
    "RequestTimeTooSkewed": _TIME,
    "ResourceNotFoundException": _CREATE,
    "SignatureDoesNotMatch": _IDENTITY,
    "UnrecognizedClientException": _IDENTITY,
}


class Busy(Transient):
    """The service says that it did nothing. *status* shows whether that is more than likely."""

    def __init__(self, message: str, *, retry_at: datetime | None, status: int) -> None:
        """Keep the status for who must not do anything twice."""
        super().__init__(message, retry_at=retry_at)
        self.status = status


class Refused(Permanent):
    """The service said no. *code* is its own word, *answer* all that it said."""

    def __init__(self, code: str, detail: str, answer: Mapping[str, Any]) -> None:
        """Keep the answer for who expects this refusal; it is in no message."""
        super().__init__(code, detail)
        self.answer = answer


@contextmanager
def translated(what: str, clock: Clock) -> Iterator[None]:
    """Turn what boto3 raises inside into what the caller must do; *what* is called."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _of_answer(what, error.response, clock) from None
    except BotoCoreError as error:
        raise _of_silence(what, error) from None
    except ResponseParserError:
        raise unreadable(what) from None


def unreadable(what: str) -> Unknown:
    """The service answered, and nobody can say what."""
    return Unknown(f"{what}: an answer that can't be read")


def _of_answer(what: str, answer: Mapping[str, Any], clock: Clock) -> DemandError:
    code = str(answer.get("Error", {}).get("Code", "no code"))
    about = answer.get("ResponseMetadata", {})
    status = about.get("HTTPStatusCode", 0)
    said = f"{what}: {code} ({status}, request {about.get('RequestId', 'without id')})"
    if code in LATER or status == 429:  # noqa: PLR2004  # too many requests
        wait = str(about.get("HTTPHeaders", {}).get("retry-after", ""))
        known = wait.isascii() and wait.isdigit() and len(wait) <= SECONDS_DIGITS_MAX
        retry_at = clock.now() + timedelta(seconds=int(wait)) if known else None
        return Busy(said, retry_at=retry_at, status=status)
    if status >= 500:  # noqa: PLR2004  # its InternalServerError too may come after the write
        return Unknown(said)
    if code in MEND:
        return WiringError(f"{said}: {MEND[code]}")
    return Refused(code, said, answer)


def _of_silence(what: str, error: Exception) -> DemandError:
    from botocore import exceptions as of

    said = f"{what}: {type(error).__name__}"
    match error:
        case (
            of.EndpointConnectionError() | of.ConnectTimeoutError() | of.ProxyConnectionError()
        ):
            return Unsent(said)
        case (
            of.HTTPClientError() | of.SSLError() | of.IncompleteReadError() | of.ChecksumError()
        ):
            return Unknown(said)
        case of.ParamValidationError():
            return Permanent("bad_parameter", said)
        case of.NoRegionError():
            return WiringError(f"{said}: name the region")
        case (
            of.NoCredentialsError()
            | of.PartialCredentialsError()
            | of.CredentialRetrievalError()
            | of.ProfileNotFound()
        ):
            return WiringError(f"{said}: {_IDENTITY}")
    return WiringError(said)
