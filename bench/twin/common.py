"""What both twins share: JSON log lines with a context, as the predecessor wrote them."""
import json
import logging.config
import os

import yaml
from context_log import ContextLog

logging.config.dictConfig(yaml.safe_load("""
version: 1
formatters:
  json: {(): pythonjsonlogger.jsonlogger.JsonFormatter, format: "%(asctime)s %(name)s %(levelname)s %(message)s %(filename)s"}
handlers: {console: {class: logging.StreamHandler, formatter: json}}
root: {level: DEBUG, handlers: [console]}
"""))


def begin(event, context):
    """The first line of a call, with the whole event, and the logger for the others."""
    log = ContextLog.get_logger("handler", True)
    log.setLevel(os.environ.get("LOG_LEVEL", "DEBUG"))
    ContextLog.put_start_time()
    ContextLog.put_request_id(context.aws_request_id)
    ContextLog.put_request_user_id(event["request"]["userAttributes"]["email"])
    ContextLog.put_request_client_id(event["callerContext"]["clientId"])
    ContextLog.put_trigger_source(event["triggerSource"])
    log.info("start %s", json.dumps(event))
    return log


def end(log):
    """The last line of a call."""
    ContextLog.put_end_time()
    log.info("end")
