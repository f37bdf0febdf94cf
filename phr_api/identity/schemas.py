"""Wire shapes of sign-in, sessions and one's own details. What is not here does not leave."""

import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from marshmallow import (
    EXCLUDE,
    ValidationError,
    fields,
    post_dump,
    post_load,
    validate,
    validates_schema,
)

from phr_api.identity.service.activation import SeenDocument
from phr_api.identity.service.details import NewIdentifier
from phr_api.identity.service.pages import MOST_CLERKS
from phr_api.identity.service.sessions import Device
from phr_api.identity.service.sign_in import Completion, NewAttempt
from phr_api.kit import clock
from phr_api.kit.web import Moment, Schema
from phr_api.vocab import PartialDate

A_DAY_OF_SECONDS = 24 * 60 * 60
FIRST_BIRTH = date(1850, 1, 1)
PLATFORMS = ("android", "ios", "web", "command-line", "other")
DECLARABLE = ("citizen-id", "old-id", "passport", "bhyt-card", "bhxh")
DOCUMENTS = ("citizen-card", "passport", "birth-certificate", "electronic-identity")
LONGEST_ID_TOKEN = 8192
S256 = "^[A-Za-z0-9_-]{43}$"  # RFC 7636 §4.2
VERIFIER = "^[A-Za-z0-9._~-]{43,128}$"  # RFC 7636 §4.1


def one_line(text: str) -> None:
    """Refuse control characters, and halves of characters that no encoding can carry."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValidationError("Not a line of text.")


def line(most: int, *, least: int = 1) -> list[Callable[[str], Any]]:
    """One line of text of so many characters."""
    return [validate.Length(least, most), one_line]


def matching(pattern: str) -> list[Callable[[str], Any]]:
    """Match a pattern as the document shows it; Python's `$` would let a last line feed pass."""
    return [validate.Regexp(pattern), one_line]


def past_date(text: str) -> None:
    """Refuse what is no date, or none that somebody can be born on."""
    try:
        born = PartialDate.parse(text)
    except ValueError as error:
        raise ValidationError("Not a valid date.") from error
    if not FIRST_BIRTH <= born.earliest <= clock.today():
        raise ValidationError("Not a date of birth.")


class ProviderSchema(Schema):
    id = fields.String(required=True)
    label = fields.String(required=True)
    audience = fields.String(required=True, validate=validate.OneOf(("citizen", "staff")))
    assurance = fields.String(required=True, validate=validate.OneOf(("record", "account")))


class ProvidersSchema(Schema):
    items = fields.List(fields.Nested(ProviderSchema), required=True)


class DeviceInSchema(Schema):
    """The installation's own random id keeps one phone one device."""

    installation_id = fields.UUID(required=True)
    name = fields.String(required=True, validate=line(80))
    platform = fields.String(required=True, validate=validate.OneOf(PLATFORMS))

    @post_load
    def to_device(self, data: dict[str, Any], **_: Any) -> Device:
        return Device(**data)


class NewAttemptSchema(Schema):
    provider = fields.String(required=True, validate=line(60))
    code_challenge = fields.String(
        required=True,
        validate=matching(S256),
        metadata={"description": "S256 of the app's own code verifier (RFC 7636)"},
    )
    redirect_uri = fields.String(
        required=True,
        validate=line(500),
        metadata={"description": "https, or an app's own scheme with a dot; exact"},
    )
    device = fields.Nested(DeviceInSchema, required=True)

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewAttempt:
        return NewAttempt(**data)


class AttemptSchema(Schema):
    id = fields.UUID(required=True)
    authorization_url = fields.String(required=True)
    expires_at = Moment(required=True)


class CompletionSchema(Schema):
    code = fields.String(required=True, validate=line(2000))
    state = fields.String(required=True, validate=line(200))
    code_verifier = fields.String(required=True, validate=matching(VERIFIER))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> Completion:
        return Completion(**data)


class ClerkSchema(Schema):
    """Several clerks share a desk's machine; each has a place in the page, and a cookie."""

    clerk = fields.Integer(required=True, validate=validate.Range(0, MOST_CLERKS - 1))


class PageCompletionSchema(ClerkSchema):
    code = fields.String(required=True, validate=line(2000))
    state = fields.String(required=True, validate=line(200))
    code_verifier = fields.String(required=True, validate=matching(VERIFIER))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"clerk": data.pop("clerk"), "completion": Completion(**data)}


class PageRenewalSchema(ClerkSchema):
    idle_seconds = fields.Integer(
        load_default=None,
        validate=validate.Range(0, A_DAY_OF_SECONDS),
        metadata={"description": "how long ago this clerk last pressed a key or the mouse"},
    )

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        idle = data.pop("idle_seconds")
        return data | {"untouched": None if idle is None else timedelta(seconds=idle)}


class PageTokensSchema(Schema):
    access_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "seconds"})
    token_type = fields.String(required=True)


class PhoneSignInSchema(Schema):
    id_token = fields.String(required=True, validate=validate.Length(1, LONGEST_ID_TOKEN))
    device = fields.Nested(DeviceInSchema, required=True)


class TokensSchema(Schema):
    access_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "seconds"})
    refresh_token = fields.String(required=True, allow_none=True)
    token_type = fields.String(required=True)


class TokenRequestSchema(Schema):
    """A form as RFC 6749 §4.4, §6 and RFC 7523 §2.2 write it; unknown members are ignored."""

    class Meta:
        unknown = EXCLUDE

    grant_type = fields.String(required=True, data_key="grant_type", validate=line(100))
    refresh_token = fields.String(load_default=None, data_key="refresh_token", validate=line(200))
    client_assertion_type = fields.String(
        load_default=None, data_key="client_assertion_type", validate=line(100)
    )
    client_assertion = fields.String(
        load_default=None, data_key="client_assertion", validate=line(4000)
    )
    scope = fields.String(load_default=None, data_key="scope", validate=line(200))

    @validates_schema
    def has_what_the_grant_needs(self, data: dict[str, Any], **_: Any) -> None:
        needed = {
            "refresh_token": ("refresh_token",),
            "client_credentials": ("client_assertion", "client_assertion_type"),
        }
        for name in needed.get(data.get("grant_type", ""), ()):
            if not data.get(name):
                raise ValidationError("Missing data for required field.", name)


class TokenResponseSchema(Schema):
    """RFC 6749 §5.1, in its own spelling; what a grant does not give is left out."""

    access_token = fields.String(required=True, data_key="access_token")
    token_type = fields.String(required=True, data_key="token_type")
    expires_in = fields.Integer(required=True, data_key="expires_in")
    refresh_token = fields.String(data_key="refresh_token")
    scope = fields.String(data_key="scope")

    @post_dump
    def leave_out_what_is_not_given(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value is not None}


class KeySchema(Schema):
    kty = fields.String(required=True)
    crv = fields.String(required=True)
    x = fields.String(required=True)
    kid = fields.String(required=True)
    use = fields.String(required=True)
    alg = fields.String(required=True)


class KeysSchema(Schema):
    """RFC 7517 §5."""

    keys = fields.List(fields.Nested(KeySchema), required=True)


class ServerMetadataSchema(Schema):
    """RFC 8414 §2."""

    issuer = fields.String(required=True)
    token_endpoint = fields.String(required=True, data_key="token_endpoint")
    jwks_uri = fields.String(required=True, data_key="jwks_uri")
    scopes_supported = fields.List(fields.String(), required=True, data_key="scopes_supported")
    response_types_supported = fields.List(
        fields.String(), required=True, data_key="response_types_supported"
    )
    grant_types_supported = fields.List(
        fields.String(), required=True, data_key="grant_types_supported"
    )
    token_endpoint_auth_methods_supported = fields.List(
        fields.String(), required=True, data_key="token_endpoint_auth_methods_supported"
    )
    token_endpoint_auth_signing_alg_values_supported = fields.List(
        fields.String(),
        required=True,
        data_key="token_endpoint_auth_signing_alg_values_supported",
    )


class SessionSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    provider = fields.String(required=True)
    assurance = fields.String(required=True)
    device_id = fields.UUID(required=True)
    device_name = fields.String(required=True)
    device_platform = fields.String(required=True)
    signed_in_at = Moment(required=True)
    last_used_at = Moment(required=True)
    expires_at = Moment(required=True)
    is_current = fields.Boolean(required=True)


class SessionsSchema(Schema):
    items = fields.List(fields.Nested(SessionSchema), required=True)


class DeviceSchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    platform = fields.String(required=True)
    created_at = Moment(required=True)
    last_seen_at = Moment(required=True)


class DevicesSchema(Schema):
    items = fields.List(fields.Nested(DeviceSchema), required=True)


class NewActivationCodeSchema(Schema):
    citizen_number = fields.String(required=True, validate=matching("^[0-9]{12}$"))
    full_name = fields.String(required=True, validate=line(255))
    birth = fields.String(
        required=True,
        validate=[validate.Length(4, 10), past_date],
        metadata={"description": "as the document says, parts unknown left out"},
    )
    document = fields.String(required=True, validate=validate.OneOf(DOCUMENTS))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> SeenDocument:
        return SeenDocument(**data)


class ActivationCodeSchema(Schema):
    id = fields.UUID(required=True)
    code = fields.String(required=True)
    expires_at = Moment(required=True)


class ActivationSchema(Schema):
    code = fields.String(required=True, validate=line(20, least=12))


class IdentifierSchema(Schema):
    id = fields.UUID(required=True)
    system = fields.String(required=True)
    value = fields.String(required=True)
    assurance = fields.String(
        required=True, validate=validate.OneOf(("declared", "verified", "received"))
    )
    seen_at = Moment(required=True)


class NewIdentifierSchema(Schema):
    system = fields.String(required=True, validate=validate.OneOf(DECLARABLE))
    value = fields.String(required=True, validate=line(20, least=8))

    @post_load
    def to_command(self, data: dict[str, Any], **_: Any) -> NewIdentifier:
        return NewIdentifier(**data)


class AddressSchema(Schema):
    """`three-level` is the division before 2025-07-01, `two-level` the one since."""

    scheme = fields.String(required=True)
    list_version = fields.String(required=True)
    province_code = fields.String(required=True, allow_none=True)
    district_code = fields.String(required=True, allow_none=True)
    commune_code = fields.String(required=True, allow_none=True)
    line = fields.String(required=True, allow_none=True)


class CoverageSchema(Schema):
    card_number = fields.String(required=True)
    valid_from = fields.Date(required=True, allow_none=True)
    valid_until = fields.Date(required=True, allow_none=True)
    registered_facility_code = fields.String(required=True, allow_none=True)


class DetailsSchema(Schema):
    """One's own person, as hospitals and the provider know them."""

    profile_id = fields.UUID(required=True)
    full_name = fields.String(required=True)
    sex = fields.String(required=True, validate=validate.OneOf(("male", "female", "unknown")))
    birth = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    blood_group = fields.String(required=True, allow_none=True)
    identifiers = fields.List(fields.Nested(IdentifierSchema), required=True)
    addresses = fields.List(fields.Nested(AddressSchema), required=True)
    coverage = fields.List(fields.Nested(CoverageSchema), required=True)
