"""Starts the emulator with the gaps closed that lie inside its process.

What IAM decides, what a function's run is part of and what a stack remembers cannot
be seen from outside, so these parts of the proxy change the emulator itself. Each
line below closes one gap and goes with its file. Without any of them the emulator
is started by `python -m ministack`.

The last two arguments are the socket to listen on and the file that calls are recorded in.
"""

import sys

from ministack.app import main

from cloudformation import nestedstacks
from cognito import attributes, challenges, federation, grants, messages, migration, pools, providers, rotation, secrets, unknown
from delivery import redrive
from iam import batches, calls, conditions, principals, serviceroles
from origins import listeners
from telemetry import accesslog, filterpatterns, lambdatrace, queuetrace
from trail import callers, services

if __name__ == "__main__":
    lambdatrace.install()
    queuetrace.install()
    accesslog.install()
    filterpatterns.install()
    nestedstacks.install()
    grants.install()  # before rotation, which adds to what this answers
    rotation.install()
    secrets.install()
    messages.install()
    migration.install()
    attributes.install()
    unknown.install()
    challenges.install()
    federation.install()
    pools.install()
    providers.install()
    redrive.install()
    serviceroles.install()
    principals.install()
    callers.install()
    services.install()
    calls.install(sys.argv.pop())
    listeners.install(sys.argv.pop())  # the emulator's own arguments come before
    conditions.install()
    batches.install()  # after calls, which then records each parameter
    main()
