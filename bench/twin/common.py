"""What both twins share: JSON log lines that name the request, as the predecessor wrote them."""
import json
import logging
import os

from pythonjsonlogger import jsonlogger


def logger():
    """The root logger, with one JSON handler."""
    log = logging.getLogger()
    for handler in list(log.handlers):
        log.removeHandler(handler)
    handler = logging.StreamHandler()
    handler.setFormatter(jsonlogger.JsonFormatter("%(levelname)s %(name)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    return log


def redacted(event):
    """The event for the log, without the user's attributes."""
    copy = json.loads(json.dumps(event))
    copy.get("request", {}).pop("userAttributes", None)
    return copy
