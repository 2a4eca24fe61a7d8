"""What schemathesis does for AuthFlow beyond what docs/openapi.yaml says: it has a session, and it knows what is real.

Random input alone meets refusals only. Of an operation's first well-made requests every other one carries a password, a link,
a code or a session that there is (people.py), so that successes are held against the document, too; which of them were seen
is kept for the test.
"""

import atexit
import itertools
import json
import os
import pathlib
import sys

import schemathesis

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import people
from people import PASSWORD, Person

SEEN = os.environ["AUTHFLOW_SEEN"]
# Making somebody takes longer than most requests.
REAL_REQUESTS = 4


class Client:
    """Whoever sends the requests. Some of them end the session or change the password: then it is somebody else."""

    person = None

    def __init__(self, make):
        self.make = make

    def session(self):
        if self.person is None or not self.person.is_signed_in():
            self.person = self.make()
        return self.person.token


client = Client(lambda: Person().confirm())
admin = Client(lambda: Person().confirm().become_admin())


@schemathesis.auth(refresh_interval=None).apply_to(lambda ctx: "security" in ctx.operation.definition.raw)
class Session:
    def get(self, case, context):
        is_for_admins = "Admin" in context.operation.definition.raw["tags"]
        return (admin if is_for_admins else client).session()

    def set(self, case, token, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


def by(case, person):
    """Sends it in the name of another person."""
    case.headers["Authorization"] = f"Bearer {person.token}"


def fill(case, **fields):
    case.body = {**case.body, **fields}


def sign_up(case, turn):
    people.configure(autoconfirm=True)
    fill(case, email=people.new_address(), password=PASSWORD)


def sign_in(case, turn):
    person = Person().confirm()
    if turn % 2:
        person.with_factor()
    fill(case, email=person.email, password=PASSWORD)


def confirm(case, turn):
    fill(case, **(Person().confirm().change_email() if turn % 2 else Person().link))


def update_password(case, turn):
    password = people.new_password()
    if turn % 2:
        case.body = {"token_hash": Person().confirm().recovery(), "password": password}
    else:
        by(case, Person().confirm())
        case.body = {"current_password": PASSWORD, "password": password}


def reset(case, turn):
    person = Person().confirm()
    case.body = {"token_hash": person.recovery(), "password": people.new_password()}
    if turn % 2:
        # Of somebody with a second factor, whose link has asked for its code.
        case.body["send"] = person.with_factor().factor_id
        people.refused_reset(case.body["token_hash"])


def end_session(case, turn):
    case.path_parameters = {"id": client.person.sign_in()["session_id"]}


def send_code(case, turn):
    person = Person().confirm().with_factor()
    case.body = {"factor_id": person.factor_id, "mfa_token": person.sign_in()["mfa_token"]}


def verify_code(case, turn):
    person = Person().confirm().with_factor()
    case.body = {"mfa_token": person.sign_in()["mfa_token"], "factor_id": person.factor_id, "code": person.code()}
    # Of the form alone: another of its buttons.
    if turn % 2 and "Page" in case.operation.definition.raw["tags"]:
        case.body["send"] = "1"


def step_up(case, turn):
    person = Person().confirm().with_factor()
    by(case, person)
    case.body = {"factor_id": person.factor_id, "code": person.code()}
    if turn % 2 and "Page" in case.operation.definition.raw["tags"]:
        case.body["send"] = "1"


def by_raised(case, turn):
    by(case, Person().confirm().with_factor())


def by_somebody(case, turn):
    by(case, Person().confirm())


def enroll(case, turn):
    by(case, Person().confirm())
    fill(case, current_password=PASSWORD)


def prove(case, turn):
    by(case, Person().confirm())
    fill(case, current_password=PASSWORD)
    if "password" in case.body:
        fill(case, password=people.new_password())


def submit_factors(case, turn):
    person = Person().confirm().with_new_factor()
    by(case, person)
    enrol = {"type": "totp", "current_password": PASSWORD}
    case.body = [enrol, {"factor_id": person.factor_id, "code": person.code()}, {"remove": person.factor_id}][turn % 3]


def end_own_session(case, turn):
    person = Person().confirm()
    by(case, person)
    case.body = {"id": person.session_id}


def verify_factor(case, turn):
    person = Person().confirm().with_new_factor()
    by(case, person)
    case.path_parameters = {"id": person.factor_id}
    case.body = {"code": person.code()}


def remove_factor(case, turn):
    person = Person().confirm().with_new_factor()
    by(case, person)
    case.path_parameters = {"id": person.factor_id}


def find_users(case, turn):
    case.query = {**case.query, "email": "PERSON-"}


def on_person(case, turn):
    person = Person().confirm()
    real = {"id": person.id, "session": person.session_id}
    case.path_parameters = {**case.path_parameters, **{name: real[name] for name in real if name in case.path_parameters}}


def under_address(case, turn):
    person = Person().confirm()
    person.sign_in()
    case.query = {**case.query, "email": person.email}


def come_back(case, turn):
    email = Person().confirm().with_factor().email if turn % 2 else people.new_address()
    case.query, case.cookies = people.way_by_provider(email)


# By operation: what makes a well-made request a real one, and which one it is.
REAL = {
    "signUp": sign_up,
    "signIn": sign_in,
    "submitSignIn": sign_in,
    "verifyEmail": confirm,
    "submitConfirm": confirm,
    "updatePassword": update_password,
    "submitReset": reset,
    "endSession": end_session,
    "sendCode": send_code,
    "verifyCode": verify_code,
    "stepUp": step_up,
    "enrollFactor": enroll,
    "changeMe": by_somebody,
    "changeEmail": prove,
    "deleteAccount": prove,
    "submitSecondFactor": verify_code,
    "stepUpPage": by_raised,
    "submitStepUp": step_up,
    "submitFactors": submit_factors,
    "submitAccountName": by_somebody,
    "submitAccountEmail": prove,
    "submitAccountPassword": prove,
    "submitAccountDelete": prove,
    "submitEndOwnSession": end_own_session,
    "verifyFactor": verify_factor,
    "removeFactor": remove_factor,
    "providerCallback": come_back,
    "findUsers": find_users,
    "adminPage": find_users,
    "showUser": on_person,
    "adminUserPage": on_person,
    "deleteUser": on_person,
    "exportUser": on_person,
    "exportAddress": under_address,
    "forgetAddress": under_address,
    "endSessionsOfUser": on_person,
    "endSessionOfUser": on_person,
    "submitEndSession": on_person,
    "lockUser": on_person,
    "unlockUser": on_person,
    "setRole": on_person,
    "submitDeed": on_person,
}
turns = {name: itertools.count() for name in REAL}
seen = set()


def name_of(case):
    return case.operation.definition.raw["operationId"]


def is_operation(case):
    """Whether it is no other method than the operation's own."""
    return case.method.upper() == case.operation.method.upper()


@schemathesis.hook
def before_call(context, case, kwargs):
    name = name_of(case)
    if name not in REAL or not is_operation(case) or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    turn = next(turns[name])
    if turn % 2 == 0 and turn < 2 * REAL_REQUESTS:
        REAL[name](case, turn // 2)


@schemathesis.hook
def after_call(context, case, response):
    name = name_of(case)
    if is_operation(case):
        seen.add((name, response.status_code))
    if name == "signUp":
        people.configure(autoconfirm=False)


@atexit.register
def tell():
    with open(SEEN, "w") as file:
        json.dump(sorted(seen), file)
