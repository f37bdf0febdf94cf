"""A server on loopback that behaves as Google's token endpoint and FCM's messages:send do.

It checks the RS256 assertion (RFC 7523, Google's service accounts) and the shape of each message,
and injects what Google answers when it does not take one.
"""

import json
import re
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT = "so-suc-khoe-thu"
EMAIL = f"pushes@{PROJECT}.iam.gserviceaccount.com"
# either is enough for messages:send
SCOPES = {
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/firebase.messaging",
}
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
DURATION = re.compile(r"\d+(\.\d{1,9})?s")
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
MESSAGE_KEYS = {"token", "notification", "data", "android", "apns", "webpush"}
# what Google answers: status, google.rpc status, FCM's own code
ERRORS: dict[str, tuple[int, str, str | None]] = {
    "UNREGISTERED": (404, "NOT_FOUND", "UNREGISTERED"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    # of the whole project: without a code of FCM's own
    "RESOURCE_EXHAUSTED": (429, "RESOURCE_EXHAUSTED", None),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    "UNAVAILABLE": (503, "UNAVAILABLE", "UNAVAILABLE"),
    "INTERNAL": (500, "INTERNAL", "INTERNAL"),
    "UNAUTHENTICATED": (401, "UNAUTHENTICATED", None),
    "DEADLINE_EXCEEDED": (504, "DEADLINE_EXCEEDED", None),
    "OUT_OF_RANGE": (400, "OUT_OF_RANGE", None),
    "PERMISSION_DENIED": (403, "PERMISSION_DENIED", None),
    "NOT_FOUND": (404, "NOT_FOUND", None),  # the project
    "NOT_OF_THIS_WORLD": (418, "TEAPOT", None),
}


def service_account_key() -> str:
    """FCM_CREDENTIALS: the key of the one service account that the server knows."""
    pem = PRIVATE.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "one",
            "private_key": pem,
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )


class FcmServer:
    """`with FcmServer() as fcm:`; `fcm.url` is PHR_FCM_URL, `fcm.key` FCM_CREDENTIALS."""

    def __init__(self, port: int = 0) -> None:
        self.sent: deque[dict[str, Any]] = deque()
        self.wrong: list[str] = []
        self.bearers: set[str] = set()
        self.token_requests = 0
        self.asked = 0
        self.refuses_tokens: str | None = None
        self.is_down: tuple[str, str | None] | None = None
        self.answers_now = threading.Event()
        self.answers_now.set()
        self._injected: dict[str, list[tuple[str, str | None]]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def key(self) -> str:
        return service_account_key()

    def inject(self, token: str, *errors: str, retry_after: str | None = None) -> None:
        """Answer the next messages to this token with these errors, one each."""
        with self._lock:
            held = self._injected.setdefault(token, [])
            held.extend((error, retry_after) for error in errors)

    def go_down(self, error: str | None, retry_after: str | None = None) -> None:
        """Answer every message with this error, until None is said."""
        self.is_down = None if error is None else (error, retry_after)

    def hold_answers(self) -> None:
        """Take messages and keep their answers back, until `answers_now` is set."""
        self.answers_now.clear()

    def next_error(self, token: str) -> tuple[str, str | None] | None:
        if self.is_down is not None:
            return self.is_down
        with self._lock:
            held = self._injected.get(token)
            return held.pop(0) if held else None

    def give_token(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Answer the token endpoint; anything wrong with the assertion is `invalid_grant`."""
        self.token_requests += 1
        if self.refuses_tokens is not None:
            status = 503 if self.refuses_tokens == "internal_failure" else 400
            return status, {"error": self.refuses_tokens}
        wrong = self._wrong_assertion(form)
        if wrong:
            self.wrong.append(wrong)
            return 400, {"error": "invalid_grant"}
        bearer = uuid4().hex
        self.bearers.add(bearer)
        return 200, {"access_token": bearer, "expires_in": 3600, "token_type": "Bearer"}

    def _wrong_assertion(self, form: dict[str, list[str]]) -> str | None:
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return "grant_type"
        try:
            claims = jwt.decode(
                form["assertion"][0],
                PRIVATE.public_key(),
                algorithms=["RS256"],
                audience="https://oauth2.googleapis.com/token",  # google-auth's, wherever it asks
                issuer=EMAIL,
                options={"require": ["exp", "iat", "iss", "aud", "scope"]},
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            return f"assertion: {error!r}"
        is_short = claims["exp"] - claims["iat"] <= 3600
        return None if SCOPES & set(claims["scope"].split()) and is_short else "scope or life"

    def take(self, bearer: str, body: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Answer messages:send: the bearer, the shape, then what was injected for the token."""
        with self._lock:
            self.asked += 1
        if bearer.removeprefix("Bearer ") not in self.bearers:
            return 401, _error(401, "UNAUTHENTICATED", None), {}
        problem = _misshapen(body)
        if problem:
            self.wrong.append(problem)
            return 400, _error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), {}
        injected = self.next_error(body["message"]["token"])
        if injected is not None:
            error, retry_after = injected
            status, rpc, code = ERRORS[error]
            headers = {} if retry_after is None else {"Retry-After": retry_after}
            return status, _error(status, rpc, code), headers
        self.sent.append(body["message"])
        return 200, {"name": f"projects/{PROJECT}/messages/{uuid4().hex}"}, {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.answers_now.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._open: set[socket.socket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self._open.discard(request)

    def server_close(self) -> None:
        """Go away altogether: nobody is answered on a connection that was kept."""
        super().server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed does not wait for its answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _error(status: int, rpc: str, code: str | None) -> dict[str, Any]:
    details = [] if code is None else [{"@type": FCM_ERROR, "errorCode": code}]
    message = "the token a-secret-token is not to be logged"
    return {"error": {"code": status, "message": message, "status": rpc, "details": details}}


def _misshapen(body: Any) -> str | None:
    """What is wrong with a request of messages:send, or nothing."""
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, dict) or set(body) - {"message", "validate_only"}:
        return "no message"
    android = message.get("android", {})
    headers = {
        **message.get("apns", {}).get("headers", {}),
        **message.get("webpush", {}).get("headers", {}),
    }
    texts = [*message.get("data", {}).values(), *headers.values()]
    checks = {
        "a dry run": not body.get("validate_only"),
        "no message to a token": bool(message.get("token")) and not set(message) - MESSAGE_KEYS,
        "data or headers that are no text": all(isinstance(one, str) for one in texts),
        "a ttl that is no duration": bool(DURATION.fullmatch(android.get("ttl", "1s"))),
        "an unknown priority": android.get("priority", "high") in {"normal", "high"},
        "a topic that is too long": len(headers.get("Topic", "")) <= 32,
        "a collapse id that is too long": len(headers.get("apns-collapse-id", "")) <= 64,
    }
    return next((wrong for wrong, is_right in checks.items() if not is_right), None)


def _handler(fcm: FcmServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers: dict[str, str] = {}
            if self.path == "/token":
                status, answer = fcm.give_token(parse_qs(raw.decode()))
            elif self.path == f"/v1/projects/{PROJECT}/messages:send":
                bearer = self.headers.get("Authorization", "")
                status, answer, headers = fcm.take(bearer, json.loads(raw))
                fcm.answers_now.wait()
            else:
                status, answer = 404, {}
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
