"""What a provider can get wrong, so that tests can let a real one get it wrong over HTTP."""

from dataclasses import dataclass, field
from typing import Any, Literal

Algorithm = Literal["ES256", "RS256", "HS256", "none"]


@dataclass(slots=True)
class Faults:
    """Changed while the provider runs; all off is a provider that keeps the rules."""

    algorithm: Algorithm = "ES256"
    wrong_nonce: bool = False
    wrong_audience: bool = False
    second_audience: bool = False
    wrong_issuer: bool = False
    expired: bool = False
    issued_tomorrow: bool = False
    unknown_kid: bool = False
    wrong_signature: bool = False
    token_endpoint_fails: bool = False
    claims: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def reset(self) -> None:
        """Keep the rules again."""
        clean = Faults()
        for name in Faults.__dataclass_fields__:
            setattr(self, name, getattr(clean, name))
