"""Lints the policy documents on standard input with parliament, and prints what it finds.

Runs in the virtualenv of rules/requirements.txt. The input is what documents.py
prints; each finding is one line: template, resource, issue and detail.

Two kinds of documents need changes first. A trust policy has no resource, so it gets
the role's. In a key policy the asterisk means that key, so it is replaced by the key.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore", category=UserWarning)  # pkg_resources is deprecated
warnings.filterwarnings("ignore", category=DeprecationWarning)

import parliament  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/example"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def understood(one):
    """The document with its implicit resource."""
    document = one["document"]
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    for statement in statements:
        if one["at"].endswith("AssumeRolePolicyDocument"):
            statement.setdefault("Resource", ROLE)
        if one["type"] == "AWS::KMS::Key" and statement.get("Resource") == "*":
            statement["Resource"] = KEY
    return document | {"Statement": statements}


def main():
    for one in json.load(sys.stdin):
        for finding in parliament.analyze_policy_string(json.dumps(understood(one))).findings:
            detail = finding.detail if isinstance(finding.detail, str) else json.dumps(finding.detail, default=str, sort_keys=True)
            print("  ".join((one["template"], one["resource"], finding.issue, detail or "-")))


if __name__ == "__main__":
    main()
