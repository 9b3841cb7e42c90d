"""Records the allowed and denied calls of each role, for the check of unused permissions.

This closes no gap. It is a test aid and stays as long as the end-to-end tests compare
roles with calls. The proxy in front sees every call too, but not what IAM makes of
it. In the emulator's process, action and resource are those that the policies were
asked about, and the role is known without a look-up.

One line of JSON for each role, action, resource and answer when it is first seen and
whenever its count has doubled, so that the file stays small however long the system
runs. It holds no bodies, no session names and nothing personal: a resource is an ARN
as policies name it.
"""

import json
import os
import re
import threading

from ministack.core import iam_evaluator

SESSION = re.compile(r"arn:[a-z-]+:sts::\d+:assumed-role/([^/]+)/")

# More different calls than any test makes; later ones are not counted.
MOST = 20_000
# A larger file from an earlier start is removed.
LARGEST = 4 << 20
LONGEST = 500


class Calls:
    """The calls of this process."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.counts = {}
        if os.path.exists(path) and os.path.getsize(path) > LARGEST:
            os.remove(path)

    def note(self, role, action, resource, allowed):
        """Counts one call, and records it if its count is a power of two."""
        key = (role, action, resource[:LONGEST], allowed)
        with self.lock:
            if key not in self.counts and len(self.counts) >= MOST:
                return
            count = self.counts[key] = self.counts.get(key, 0) + 1
            if count & (count - 1):
                return
            line = dict(zip(("role", "action", "resource", "allowed"), key)) | {"count": count}
            with open(self.path, "a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")


def recorded(enforce, note):
    """enforce, which also notes what it was asked by a role's session."""

    def run(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        session = SESSION.match(iam_evaluator.caller_arn())
        # A caller with wrong credentials was not judged by its policies.
        if session and not isinstance(denied, iam_evaluator.AuthError):
            try:
                note(session[1], iam_action, resource_arn, denied is None)
            except OSError as error:  # a full disk must not cost a call
                print(f"call not recorded: {error}", flush=True)
        return denied

    return run


def install(path):
    """Changes the emulator in this process."""
    iam_evaluator.enforce = recorded(iam_evaluator.enforce, Calls(path).note)
