"""People with accounts, and what they hold: sessions, links of mails, second factors."""

import base64
import hmac
import itertools
import os
import re
import secrets
import struct
import time
from urllib.parse import parse_qsl, urlsplit

import requests

AUTH = os.environ["AUTHFLOW_AUTH"]
SUPABASE = os.environ["AUTHFLOW_SUPABASE"]
API = AUTH + "/api/v1/simple_auth/"
PASSWORD = "correct horse battery staple 1A"
STEP = 30

numbers = itertools.count(1)
run = secrets.token_hex(4)


def new_address():
    return f"person-{run}-{next(numbers)}@example.test"


def new_password():
    return f"an even better horse {next(numbers)}B"


def send(method, url, status, **options):
    answer = requests.request(method, url, timeout=10, allow_redirects=False, **options)
    if answer.status_code != status:
        raise RuntimeError(f"{method} {url}: {answer.status_code} {answer.text}")
    return answer


def configure(**settings):
    """Changes settings of Supabase's stand-in."""
    send("POST", SUPABASE + "/config", 200, json=settings)


def last_mail(email, after=None):
    """The token of the newest mail to an address, another one than `after`; some are sent after the answer."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        mails = send("GET", SUPABASE + "/outbox", 200).json()
        tokens = [mail["token_hash"] for mail in mails if mail["to"] == email]
        if tokens and tokens[-1] != after:
            return tokens[-1]
    raise RuntimeError("no mail came")


class Person:
    def __init__(self):
        self.email = new_address()
        self.token = None
        send("POST", API + "signup", 202, json={"email": self.email, "password": PASSWORD})
        self.link = {"token_hash": last_mail(self.email), "type": "signup"}

    def api(self, method, path, status, **options):
        headers = {"authorization": f"Bearer {self.token}"}
        return send(method, API + path, status, headers=headers, **options)

    def confirm(self):
        """Confirms the address, and so signs in."""
        return self.enter(send("POST", API + "verify-email", 200, json=self.link).json())

    def enter(self, answer):
        """Goes on with the session in an answer."""
        self.id, self.session_id, self.token = answer["user"]["id"], answer["session_id"], answer["session_token"]
        return self

    def become_admin(self):
        key = {"apikey": "local-service", "authorization": "Bearer local-service"}
        change = {"app_metadata": {"role": "admin"}}
        send("PUT", f"{SUPABASE}/auth/v1/admin/users/{self.id}", 200, headers=key, json=change)
        return self.enter(self.sign_in())

    def is_signed_in(self):
        headers = {"authorization": f"Bearer {self.token}"}
        return requests.get(API + "me", headers=headers, timeout=10).status_code != 401

    def sign_in(self):
        """Signs in again, which leaves this session alone; gives the answer."""
        return send("POST", API + "signin", 200, json={"email": self.email, "password": PASSWORD}).json()

    def change_email(self):
        """Asks for another address; gives the link to the present one."""
        body = {"email": new_address(), "current_password": PASSWORD}
        self.api("POST", "change-email", 202, json=body)
        return {"token_hash": last_mail(self.email, after=self.link["token_hash"]), "type": "email_change"}

    def recovery(self):
        """The token of a mail for a forgotten password."""
        send("POST", API + "forgot-password", 202, json={"email": self.email})
        return last_mail(self.email, after=self.link["token_hash"])

    def with_new_factor(self):
        """Enrols an app, which waits for its first code."""
        enrolled = self.api("POST", "mfa/factors", 201, json={"type": "totp", "current_password": PASSWORD}).json()
        self.factor_id = enrolled["id"]
        self.secret = enrolled["totp"]["secret"]
        self.last_step = 0
        return self

    def with_factor(self):
        """Enrols an app, and raises the session by it."""
        self.with_new_factor()
        path = f"mfa/factors/{self.factor_id}/verify"
        return self.enter(self.api("POST", path, 200, json={"code": self.code()}).json())

    def code(self):
        """A code not shown before (RFC 6238). Supabase takes those of the step before and of the next one, too."""
        # What is nearly over may be over when it arrives.
        self.last_step = max(self.last_step + 1, int((time.time() + 3) // STEP) - 1)
        digest = hmac.digest(base64.b32decode(self.secret), struct.pack(">Q", self.last_step), "sha1")
        (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
        return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


def refused_reset(token_hash):
    """Uses a link for a forgotten password whose owner has a second factor, without its code."""
    send("POST", API + "reset-password/update", 422, json={"token_hash": token_hash, "password": new_password()})


def way_by_provider(email):
    """Signs in at a provider as a browser would; gives the query and the cookies with which it comes back."""
    begun = send("POST", AUTH + "/auth/oauth/github", 200, data={"next": "/"})
    # The cookie is `Secure`, and this is no TLS: no jar would send it.
    cookies = dict([begun.headers["set-cookie"].split(";")[0].split("=", 1)])
    (url,) = re.findall(r"^0; url=(.+)$", begun.headers["refresh"])
    page = send("GET", url, 302).headers["location"]
    state = dict(parse_qsl(urlsplit(page).query))["state"]
    form = {"state": state, "email": email, "action": "allow"}
    callback = send("POST", page, 302, data=form).headers["location"]
    back = send("GET", callback, 302).headers["location"]
    return dict(parse_qsl(urlsplit(back).query)), cookies
