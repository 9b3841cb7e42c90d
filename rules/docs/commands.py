"""Checks commands of the AWS CLI without calling AWS.

Reads a JSON list of argument lists. The real CLI parses each of them, and botocore
validates the request, with the service's model. Instead of the call, nothing happens.
Writes a JSON list with what is wrong with each command, or an empty text.
"""

import contextlib
import io
import json
import os
import sys

os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_CONFIG_FILE=os.devnull)

from awscli import clidriver
from awscli.customizations import commands, waiters
from botocore.validate import ParamValidator


def invoke(self, service_name, operation_name, parameters, parsed_globals):
    parameters.pop("PaginationConfig", None)  # of the CLI's paginator
    model = self._session.get_service_model(service_name).operation_model(operation_name)
    if model.input_shape is not None:
        report = ParamValidator().validate(parameters, model.input_shape)
        if report.has_errors():
            raise ValueError(report.generate_report())
    return 0


clidriver.CLIOperationCaller.invoke = invoke
# A waiter has one call; its parameters are those of the call.
waiters.WaiterCaller.invoke = lambda *_: 0


# All drivers share the services' models, so that each is read once.
models = clidriver.create_clidriver().session.get_component("data_loader")


def check(arguments):
    driver, problems = clidriver.create_clidriver(), io.StringIO()
    driver.session.register_component("data_loader", models)
    # Commands that the CLI adds to the services', such as cloudformation deploy.
    driver.session.register(
        "building-command-table.cloudformation",
        lambda command_table, **_: [
            setattr(c, "_run_main", lambda *_: 0) for c in command_table.values() if isinstance(c, commands.BasicCommand)
        ],
        unique_id="no-call",
    )
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(problems):
            code = driver.main(arguments)
    except SystemExit as end:
        code = end.code
    if code == 0:
        return ""
    lines = [line for line in problems.getvalue().splitlines() if line.strip()]
    explained = [line for line in lines if "rror" in line or "nknown" in line or "nvalid" in line or "required" in line]
    return " ".join(explained or lines[-3:] or [f"exit code {code}"])[:400]


json.dump([check(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
