"""An origin that believes the gateway's assertion, and nothing else, about who asks.

Settings: PORT; GATEWAY_URL, the issuer; ORIGIN_URL, this origin as the gateway's route names it, the audience.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

NAMES = ("PORT", "GATEWAY_URL", "ORIGIN_URL")
PORT, GATEWAY, ORIGIN = (os.environ.get(name) or sys.exit(f"{name} is not set") for name in NAMES)

# The keys are fetched every five minutes, and for an unknown one, but never twice within five seconds.
KEYS = jwt.PyJWKClient(f"{GATEWAY}/.well-known/authflow/jwks.json", cooldown_duration=5, timeout=5)


def verify(assertion):
    key = KEYS.get_signing_key_from_jwt(assertion)
    required = {"require": ["exp", "iss", "aud", "sub"]}
    # The leeway is the seconds between two clocks.
    return jwt.decode(
        assertion, key, algorithms=["ES256"], issuer=GATEWAY, audience=ORIGIN, leeway=5, options=required
    )


class Origin(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            claims = verify(self.headers.get("X-AuthFlow-Assertion", ""))
            who = {"user": claims["sub"], "email": claims["email"], "role": claims["role"]}
            self.answer(200, "application/json", json.dumps(who))
        except jwt.PyJWTError as error:
            self.answer(401, "text/plain", f"no valid assertion: {error}\n")

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())


with ThreadingHTTPServer(("127.0.0.1", int(PORT)), Origin) as server:
    print(f"listening on 127.0.0.1:{PORT}", flush=True)
    server.serve_forever()
