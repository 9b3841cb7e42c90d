"""A PreSignUp trigger that does what the predecessor of 2019 did: it looks the domain up in a Python list, name by name,
and asks a validator for reserved names and look-alikes. It logs four lines and publishes nothing."""
import os
from copy import deepcopy

from context_log import ContextLog
from username_validator import UsernameValidator

import common

SIZE = 16096  # as many names as its list had
VALIDATOR = UsernameValidator()


def _domains():
    with open(os.environ["DOMAINS"], encoding="ascii") as lines:
        names = list(map(str.strip, lines.readlines()))
    return (names + [f"filler{i}.example" for i in range(SIZE)])[:SIZE]


DENIED = _domains()


def check_syntax(email):
    """Raise for an address that is not in lower case, is reserved or looks like another."""
    log = ContextLog.get_logger("check_syntax")
    if not email.islower():
        raise ValueError("not in lower case")
    log.info("in lower case")
    VALIDATOR.validate_all(email)


def check_domain(email):
    """Raise for an address at a disposable domain."""
    log = ContextLog.get_logger("check_domain")
    if email.strip().split("@")[1] in DENIED:
        raise ValueError("disposable")
    log.info("not disposable")


def handler(event, context):
    """The trigger."""
    log = common.begin(deepcopy(event), context)
    try:
        email = event["request"]["userAttributes"]["email"]
        check_syntax(email)
        check_domain(email)
    finally:
        common.end(log)
    return event
