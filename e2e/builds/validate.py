"""Runs `sam validate --lint` over many templates in one process.

Starting the SAM CLI costs two seconds, each time; its own command, called by the
library that it is written with, costs that once. Prints one line for each template
that it refuses, and what it says.
"""

import os
import sys

# Nothing of the person's: the command needs no account, and must not look for one.
os.environ.update(
    AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_EC2_METADATA_DISABLED="true", SAM_CLI_TELEMETRY="0",
)

from click.testing import CliRunner  # noqa: E402
from samcli.cli.main import cli  # noqa: E402

failed = False
for path in sys.argv[1:]:
    result = CliRunner().invoke(cli, ["validate", "--lint", "--region", "us-east-1", "--template-file", path])
    # A template that it could not read must not pass for a good one.
    if result.exit_code != 0 or "is a valid SAM Template" not in result.output:
        failed = True
        print(f"{path}:\n{result.output}{result.exception or ''}")
sys.exit(failed)
