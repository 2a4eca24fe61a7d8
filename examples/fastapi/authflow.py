"""Who asks, by the gateway's assertion and nothing else.

Settings: GATEWAY_URL, the issuer; ORIGIN_URL, this application as the gateway's route names it, the audience.
"""

import os
from dataclasses import dataclass
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection


def setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SystemExit(f"{name} is not set")
    return value


GATEWAY, ORIGIN = setting("GATEWAY_URL"), setting("ORIGIN_URL")

# The keys are fetched every five minutes, and for an unknown one, but never twice within five seconds.
KEYS = jwt.PyJWKClient(f"{GATEWAY}/.well-known/authflow/jwks.json", cooldown_duration=5, timeout=5)


@dataclass(frozen=True)
class User:
    id: str
    email: str
    role: str
    aal: str


def verify(assertion: str) -> User:
    key = KEYS.get_signing_key_from_jwt(assertion)
    required = {"require": ["exp", "iss", "aud", "sub"]}
    # The leeway is the seconds between two clocks.
    claims = jwt.decode(
        assertion, key, algorithms=["ES256"], issuer=GATEWAY, audience=ORIGIN, leeway=5, options=required
    )
    return User(claims["sub"], claims["email"], claims["role"], claims["aal"])


# Not `async`: fetching keys waits, and FastAPI lets it wait in a thread. An HTTPConnection is a request or a WebSocket.
def current_user(connection: HTTPConnection) -> User:
    try:
        return verify(connection.headers.get("X-AuthFlow-Assertion", ""))
    except jwt.PyJWTError as error:
        raise HTTPException(401, f"no valid assertion: {error}") from error


CurrentUser = Annotated[User, Depends(current_user)]


def has_role(*roles: str):
    """A dependency that lets in whoever has one of these roles."""

    def check(user: CurrentUser) -> None:
        if user.role not in roles:
            raise HTTPException(403, f"this needs the role {' or '.join(roles)}")

    return Depends(check)
