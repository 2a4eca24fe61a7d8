"""What schemathesis does for AuthFlow beyond what docs/openapi.yaml says: it has a session, and it knows what is real.

Random input alone meets refusals only. Of the well-made requests every other one carries a password, a link or a session
that there is, so that successes are held against the document, too; which of them were seen is kept for the test.
"""

import atexit
import itertools
import json
import os

import requests
import schemathesis

AUTH = os.environ["AUTHFLOW_AUTH"]
SUPABASE = os.environ["AUTHFLOW_SUPABASE"]
SEEN = os.environ["AUTHFLOW_SEEN"]

API = AUTH + "/api/v1/simple_auth/"
PASSWORD = "correct horse battery staple 1A"
numbers = itertools.count(1)


def post(url, body, *expected):
    answer = requests.post(url, json=body, timeout=10)
    if answer.status_code not in expected:
        raise RuntimeError(f"POST {url}: {answer.status_code} {answer.text}")
    return answer


def last_mail(email):
    """The newest mail to an address; it is sent before the request for it is answered, or right after."""
    for _ in range(500):
        mails = requests.get(SUPABASE + "/outbox", timeout=10).json()
        if mails := [mail for mail in mails if mail["to"] == email]:
            return mails[-1]
    raise RuntimeError("no mail came")


class Person:
    """Somebody with an account, whose password may change at any time."""

    def __init__(self):
        self.email = f"person-{next(numbers)}@example.test"
        post(API + "signup", {"email": self.email, "password": PASSWORD}, 202)
        self.link = {"token_hash": last_mail(self.email)["token_hash"], "type": "signup"}

    def confirm(self):
        return post(API + "verify-email", self.link, 200).json()["session_token"]

    def sign_in(self):
        body = {"email": self.email, "password": PASSWORD}
        return post(API + "signin", body, 200).json()

    def recovery(self):
        """The link of a mail for a forgotten password."""
        seen = last_mail(self.email)["token_hash"]
        post(API + "forgot-password", {"email": self.email}, 202)
        while (token_hash := last_mail(self.email)["token_hash"]) == seen:
            pass
        return token_hash


class Client:
    """The person who sends the requests. Some of them end the session or change the password: then there is another."""

    def __init__(self):
        self.person = None
        self.token = None

    def session(self):
        headers = {"authorization": f"Bearer {self.token}"}
        if self.token is None or requests.get(API + "me", headers=headers, timeout=10).status_code == 401:
            self.person = Person()
            self.token = self.person.confirm()
        return self.token


client = Client()


@schemathesis.auth(refresh_interval=None).apply_to(lambda ctx: "security" in ctx.operation.definition.raw)
class Session:
    def get(self, case, context):
        return client.session()

    def set(self, case, token, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


def confirmed():
    person = Person()
    person.confirm()
    return person


def sign_in(case):
    case.body = {**case.body, "email": confirmed().email, "password": PASSWORD}


def confirm(case):
    case.body = {**case.body, **Person().link}


def update_password(case):
    password = f"an even better horse {next(numbers)}B"
    if next(numbers) % 2:
        person = confirmed()
        case.body = {"token_hash": person.recovery(), "password": password}
    else:
        client.session()
        case.headers["Authorization"] = f"Bearer {client.token}"
        case.body = {"current_password": PASSWORD, "password": password}


def end_session(case):
    case.path_parameters = {"id": client.person.sign_in()["session_id"]}


def sign_up(case):
    requests.post(SUPABASE + "/config", json={"autoconfirm": True}, timeout=10)
    case.body = {**case.body, "email": f"person-{next(numbers)}@example.test", "password": PASSWORD}


REAL = {
    "signUp": sign_up,
    "signIn": sign_in,
    "submitSignIn": sign_in,
    "verifyEmail": confirm,
    "submitConfirm": confirm,
    "updatePassword": update_password,
    "endSession": end_session,
}
turns = {name: itertools.cycle([True, False]) for name in REAL}


def name_of(case):
    return case.operation.definition.raw["operationId"]


@schemathesis.hook
def before_call(context, case, kwargs):
    name = name_of(case)
    is_well_made = case.meta is not None and case.meta.generation.mode.is_positive
    if name in REAL and is_well_made and case.method.upper() == case.operation.method.upper() and next(turns[name]):
        REAL[name](case)


seen = set()


@schemathesis.hook
def after_call(context, case, response):
    name = name_of(case)
    if case.method.upper() == case.operation.method.upper():
        seen.add((name, response.status_code))
    if name == "signUp":
        requests.post(SUPABASE + "/config", json={"autoconfirm": False}, timeout=10)


@atexit.register
def tell():
    with open(SEEN, "w") as file:
        json.dump(sorted(seen), file)
