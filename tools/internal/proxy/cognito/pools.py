"""Answers about a pool with its settings only, and keeps the tags of CloudFormation.

Gap: the emulator's DescribeUserPool also has the settings of second factors, which are in
GetUserPoolMfaConfig alone, and its UpdateUserPool removes tags whose names begin with aws:.
Delete this file when it does neither.

The members of UserPoolType are those of the API reference. Nobody but AWS writes tags
whose names begin with aws: (AWS General Reference, "Tag naming limits").
"""

from ministack.services import cognito

FACTORS = ("EmailMfaConfiguration", "SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "WebAuthnConfiguration")
RESERVED = "aws:"


def described(describe):
    """A pool without the settings of second factors."""

    def run(pool):
        return {name: value for name, value in describe(pool).items() if name not in FACTORS}

    return run


def updating(update):
    """UpdateUserPool, after which the reserved tags are as they were."""

    def run(data):
        pool = cognito._user_pools.get(data.get("UserPoolId")) or {}
        kept = {name: value for name, value in (pool.get("UserPoolTags") or {}).items() if name.startswith(RESERVED)}
        if kept and "UserPoolTags" in data:
            data = data | {"UserPoolTags": (data["UserPoolTags"] or {}) | kept}
        return update(data)

    return run


def install():
    """Changes the emulator in this process."""
    cognito._pool_out = described(cognito._pool_out)
    cognito._update_user_pool = updating(cognito._update_user_pool)
