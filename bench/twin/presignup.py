"""A PreSignUp trigger that does what the predecessor of 2019 did: it looks the domain up in a Python list, name by name,
and asks a validator for reserved names and look-alikes. It publishes nothing."""
import os

import yaml
from username_validator import UsernameValidator

import common

LOG = common.logger()
CONFIG = yaml.safe_load("{message: Domain is not allowed, size: 16096}")  # as many names as its list had
VALIDATOR = UsernameValidator()


def _domains():
    with open(os.environ["DOMAINS"], encoding="ascii") as lines:
        names = lines.read().split()
    return (names + [f"filler{i}.example" for i in range(CONFIG["size"])])[: CONFIG["size"]]


DENIED = _domains()


def check(email):
    """Raise for an address that is refused."""
    address = email.split("@")
    if len(address) != 2 or address[1] in DENIED:
        raise ValueError(CONFIG["message"])
    VALIDATOR.validate_reserved(address[0])
    VALIDATOR.validate_confusables_email(email)


def handler(event, context):
    """The trigger."""
    LOG.info("event", extra={"event": common.redacted(event), "request": context.aws_request_id})
    check(event["request"]["userAttributes"]["email"])
    LOG.info("accepted", extra={"user": event["userName"]})
    event["response"]["autoConfirmUser"] = False
    return event
