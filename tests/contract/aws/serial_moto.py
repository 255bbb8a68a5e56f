"""moto's server in a thread, one request at a time: its conditional writes race otherwise."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    """Keeps connections open, as the real service does, and its log to itself."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # its name there
        """Say nothing."""


class OneByOne:
    """A WSGI application that is never inside another call of itself."""

    def __init__(self) -> None:
        """Take all services of moto."""
        self._app = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer whole, before the next one gets in."""
        with self._lock:
            return list(self._app(environ, start_response))


@contextmanager
def serial_moto(app: OneByOne | None = None) -> Iterator[str]:
    """The url of a server that lives as long as the context; all servers know the same."""
    app = app or OneByOne()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, name="moto")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
