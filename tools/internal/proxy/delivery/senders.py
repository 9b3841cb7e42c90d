"""A sender that SES has verified: addresses at gatehouse.example.

Gap: SES accepts mails of verified identities only, and nobody can prove a domain to the
emulator but by its API. On AWS a person proves it once. Delete this file when the local
environment makes the identity.
"""

from ministack.services import ses

DOMAIN = "@gatehouse.example"


def verified(check):
    """_identity_verified, with the domain of the local mails."""

    def run(address, **more):
        return address.rstrip(">").lower().endswith(DOMAIN) or check(address, **more)

    return run


def install():
    """Changes the emulator in this process."""
    ses._identity_verified = verified(ses._identity_verified)
