"""The wire of `phr-api send`: sign in as a system, post a file, wait, read what was refused."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from phr_api.kit import clock

SigningKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
ASSERTION_SECONDS = 120
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TRIES = 5
POLL_SECONDS = (0.2, 0.5, 1.0, 2.0)
PAGE = 500
NEEDS_REVIEW = "needs-review"
ERROR, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY = 400, 401, 403, 404, 409, 429


class SendingFailedError(RuntimeError):
    """The service cannot be reached or does not take our word; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one file: counts by outcome, and a line for each reason of a refusal."""

    file: str
    counts: dict[str, int]
    refusal: str | None = None
    refusals: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """How many visits wait for a person of the facility."""
        return self.counts.get(NEEDS_REVIEW, 0)

    @property
    def is_refused(self) -> bool:
        return self.refusal is not None or self.counts.get("refused", 0) > 0


class Sender:
    """One hospital's connection to the service."""

    def __init__(
        self, *, url: str, facility: str, client: str, key: Path, key_id: str | None
    ) -> None:
        self._http = httpx.Client(base_url=url.rstrip("/"), timeout=httpx.Timeout(30, write=120))
        self._facility = facility
        self._root = f"/v1/facilities/{facility}/submissions"
        self._client = client
        self._key = _read_key(key)
        self._key_id = key_id
        self._token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.close()

    def send(self, file: Path) -> Sent:
        """Send one file and wait for its outcome. Raises SendingFailedError."""
        body = file.read_bytes()
        # a lost answer is asked for again under the same key, and nothing is sent twice
        headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/octet-stream"}
        response = self._ask("POST", self._root, content=body, headers=headers)
        answer = _json(response)
        if response.status_code == CONFLICT and "submissionId" in answer:
            return self._wait(file.name, answer["submissionId"])
        if response.status_code in {FORBIDDEN, NOT_FOUND}:
            raise SendingFailedError(f"this client may not send for facility {self._facility}")
        if response.status_code >= ERROR:
            return _not_taken(file.name, answer)
        return self._wait(file.name, answer["id"])

    def _wait(self, name: str, submission_id: str) -> Sent:
        polls = 0
        while True:
            answer = _json(self._ask("GET", f"{self._root}/{submission_id}", params={"limit": 1}))
            if answer.get("state") in {"done", "refused"}:
                break
            time.sleep(POLL_SECONDS[min(polls, len(POLL_SECONDS) - 1)])
            polls += 1
        if answer["refusal"]:
            refused = answer["refusal"]
            line = (None, None, None, None, None, refused["code"], None, None, refused["message"])
            return Sent(file=name, counts={}, refusal=refused["message"], refusals=[line])
        # the wire's member names are camelCase, an outcome is one word everywhere else
        counts = {NEEDS_REVIEW if k == "needsReview" else k: v for k, v in answer["counts"].items()}
        return Sent(file=name, counts=counts, refusals=self._refusals(submission_id))

    def _refusals(self, submission_id: str) -> list[tuple[object, ...]]:
        lines: list[tuple[object, ...]] = []
        after = None
        while True:
            params = {"outcome": "refused", "limit": PAGE} | ({"after": after} if after else {})
            page = _json(self._ask("GET", f"{self._root}/{submission_id}", params=params))
            for entry in page["entries"]:
                for reason in entry["reasons"]:
                    place = (reason["table"], reason["row"], reason["element"], reason["code"])
                    words = (reason["expected"], reason["received"], reason["message"])
                    lines.append((entry["visit"], entry["patientCode"], *place, *words))
            after = page["next"]
            if after is None:
                return lines

    def _ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        """Send a request signed in; again after a lost connection, an ended token, a 429 or 503."""
        failure = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(min(2**attempt, 15))
            try:
                signed = {"Authorization": f"Bearer {self._token or self._sign_in()}"}
                response = self._http.request(
                    method, path, headers=signed | (headers or {}), **request
                )
            except httpx.TransportError:
                failure = f"nothing answers at {self._http.base_url}"
                continue
            failure = f"the service is busy (status {response.status_code}); try again later"
            if response.status_code == UNAUTHORIZED:
                failure = "the service does not accept this client's token"
                self._token = None
            elif response.status_code not in {TOO_MANY, 502, 503, 504}:
                return response
        raise SendingFailedError(failure)

    def _sign_in(self) -> str:
        """Exchange an assertion signed with our key for a token (RFC 7523)."""
        about = _json(self._http.get("/.well-known/oauth-authorization-server"))
        if "issuer" not in about:
            raise SendingFailedError("there is no PHR service at this address")
        now = int(clock.now().timestamp())
        claims = {
            "iss": self._client,
            "sub": self._client,
            "aud": about["issuer"],
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": uuid4().hex,
        }
        assertion = jwt.encode(
            claims,
            self._key,
            algorithm=_algorithm(self._key),
            headers={"kid": self._key_id} if self._key_id else None,
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": "records.write",
        }
        answer = self._http.post("/v1/oauth/token", data=form)
        if answer.status_code >= ERROR:
            raise SendingFailedError("the service does not accept this client and key")
        body = _json(answer)
        token: str = body.get("access_token") or body["accessToken"]
        self._token = token
        return token


def _not_taken(name: str, answer: dict[str, Any]) -> Sent:
    title = str(answer.get("title", "refused"))
    code = str(answer.get("type", "")).removeprefix("/problems/")
    return Sent(
        file=name,
        counts={},
        refusal=title,
        refusals=[(None, None, None, None, None, code, None, None, title)],
    )


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _read_key(path: Path) -> SigningKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise SendingFailedError(f"{path} is not a PEM private key without password") from error
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
        raise SendingFailedError(f"{path} is not an Ed25519, P-256 or RSA private key")
    return key


def _algorithm(key: SigningKey) -> str:
    if isinstance(key, Ed25519PrivateKey):
        return "EdDSA"
    return "ES256" if isinstance(key, EllipticCurvePrivateKey) else "PS256"
