"""Serving the providers on loopback: as a process of `make run`, or in a thread of a test."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from wsgiref.types import WSGIApplication

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from phr_api.devprovider.app import Provider, create_provider
from phr_api.settings import Settings

LOOPBACK = "127.0.0.1"
CLIENT_ID = "phr-api"


class QuietHandler(WSGIRequestHandler):
    """No line a request: an address's query names who signs in."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class NotInDevelopment(RuntimeError):
    """The provider signs anybody in as anybody: it runs with PHR_ENV=development only."""


@dataclass(frozen=True, slots=True)
class Providers:
    """Two issuers at one address, `/citizen` and `/staff`: who signs in there differs."""

    citizen: Provider
    staff: Provider

    @classmethod
    def at(cls, root: str) -> "Providers":
        """Return fresh providers whose issuers begin with `root`."""
        return cls(
            Provider(issuer=f"{root}/citizen", audience="citizen", client_id=CLIENT_ID),
            Provider(issuer=f"{root}/staff", audience="staff", client_id=CLIENT_ID),
        )

    def application(self) -> DispatcherMiddleware:
        """Return both as one WSGI application."""
        mounts: dict[str, WSGIApplication] = {
            "/citizen": create_provider(self.citizen),
            "/staff": create_provider(self.staff),
        }
        return DispatcherMiddleware(Response(status=HTTPStatus.NOT_FOUND), mounts)


def serve(settings: Settings) -> None:
    """Serve until the process is told to stop; NotInDevelopment outside development."""
    if settings.environment != "development":
        raise NotInDevelopment("the local OpenID provider runs with PHR_ENV=development only")
    providers = Providers.at(f"http://{LOOPBACK}:{settings.provider_port}")
    app = providers.application()
    make_server(
        LOOPBACK, settings.provider_port, app, threaded=True, request_handler=QuietHandler
    ).serve_forever()


@contextmanager
def running(*, port: int = 0) -> Generator[Providers]:
    """Run the providers in a thread on a free port; their faults can be changed meanwhile."""
    server = make_server(LOOPBACK, port, Response(), threaded=True, request_handler=QuietHandler)
    providers = Providers.at(f"http://{LOOPBACK}:{server.server_port}")
    server.app = providers.application()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield providers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
