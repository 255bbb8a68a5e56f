"""MiniStack in a process of its own, on a port that is free."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

BEGUN_WITHIN: Final = 60


@contextmanager
def ministack(state: Path) -> Iterator[str]:
    """The url of a server that lives as long as the context, and keeps its files in *state*."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with (state / "said").open("wb") as said:
        server = subprocess.Popen(
            [Path(sys.executable).with_name("ministack")],
            env=os.environ | settings(port),
            cwd=state,
            stdout=said,
            stderr=said,
        )
        try:
            assert answers(port, server), (state / "said").read_text(encoding="utf-8")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()


def settings(port: int) -> Mapping[str, str]:
    """By default it listens to everybody, opens a second port, and waits as long as AWS."""
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFN_WAIT_SCALE": "0",
    }


def answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    """Whether it answers before it ends or is given up."""
    for _ in range(BEGUN_WITHIN * 10):
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
            return False
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError):
            connection.request("GET", "/_ministack/health")
            if connection.getresponse().status == 200:
                connection.close()
                return True
        connection.close()
    return False
