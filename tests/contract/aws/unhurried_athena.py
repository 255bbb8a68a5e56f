"""Athena as moto has it, but as slow, or as unwilling, as the real one may be."""

import json
from collections import deque
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from attrs import define, field

from tests.contract.aws.serial_moto import OneByOne

TARGET = "AmazonAthena."


@define
class UnhurriedAthena(OneByOne):
    """Looks at a query show *states*, then what moto says; what was *asked* is kept."""

    states: deque[dict[str, Any]] = field(factory=deque)
    asked: list[str] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        """Take all services of moto."""
        super().__init__()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if not target.startswith(TARGET):
            return super().__call__(environ, start_response)
        operation = target.removeprefix(TARGET)
        self.asked.append(operation)
        if operation == "GetQueryExecution" and self.states:
            status = self.states.popleft()
            told = json.dumps({"QueryExecution": {"Status": status}}).encode()
            start_response(
                "200 OK",
                [
                    ("Content-Type", "application/x-amz-json-1.1"),
                    ("Content-Length", str(len(told))),
                ],
            )
            return [told]
        return super().__call__(environ, start_response)
