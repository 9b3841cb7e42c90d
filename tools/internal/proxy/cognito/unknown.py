"""Hides who has an account from those who ask with SRP or for a forgotten password.

Gap: the emulator answers SRP for an unknown user with the name that was typed, where a
known one has a UUID, sends a code for a forgotten password to everybody, and so confirms
users who have proved nothing. It has no ListDevices. Delete this file when it does none
of it and has ListDevices.

What AWS documents: for an unknown user, SRP returns the same salt and the same internal
user id in UUID format for the same user name and pool, and ForgotPassword a simulated
delivery for a user who is not found, is deactivated or has no verified address (the
guide's page about responses on the existence of users). What was reported from real pools:
the errors without PreventUserExistenceErrors (aws-amplify/aws-sdk-android#142,
amazon-archives/amazon-cognito-identity-js#678), and that ForgotPassword succeeds for an
unconfirmed user and sends nothing with it (aws/aws-aspnet-cognito-identity-provider#179).

A wrong password of an unconfirmed user is UserNotConfirmedException, here and on AWS,
which calls it intended (amazon-archives/amazon-cognito-identity-js#288). So SRP, too,
tells unconfirmed users from others.
"""

import hashlib
import uuid

from ministack.core.responses import error_response_json, json_response
from ministack.services import cognito


def challenging(challenge):
    """The first answer of SRP, with an id for a user who does not exist."""

    def run(pool_id, user, user_id, *more):
        if user is None:
            digest = hashlib.sha256(f"{pool_id}:{user_id}".encode()).digest()
            user_id = str(uuid.UUID(bytes=digest[:16], version=4))
        return challenge(pool_id, user, user_id, *more)

    return run


def reachable(user):
    """Whether a code proves that it is the user: a confirmed one with a verified address."""
    attributes = cognito._attr_list_to_dict(user.get("Attributes", []))
    verified = (attributes.get(name) and str(attributes.get(f"{name}_verified")).lower() == "true" for name in ("email", "phone_number"))
    return user.get("Enabled", True) and user.get("UserStatus") in ("CONFIRMED", "RESET_REQUIRED") and any(verified)


def forgetting(forgot):
    """ForgotPassword, with a code for users who can prove who they are."""

    def run(data):
        pool, _ = cognito._pool_for_client(data.get("ClientId"))
        user = cognito._resolve_user(pool, data.get("Username"))[0] if pool else None
        if user is None or reachable(user):
            return forgot(data)
        if user.get("UserStatus") in ("FORCE_CHANGE_PASSWORD", "EXTERNAL_PROVIDER"):
            return error_response_json("NotAuthorizedException", "User password cannot be reset in the current state.", 400)
        if cognito._hides_user_existence(pool, data["ClientId"]):
            return cognito._code_delivery_response(cognito._masked_destination(data["Username"]))
        if not user.get("Enabled", True):
            return error_response_json("NotAuthorizedException", "User is disabled.", 400)
        message = "Cannot reset password for the user as there is no registered/verified email or phone_number"
        return error_response_json("InvalidParameterException", message, 400)

    return run


def devices(data):
    """ListDevices: the pool remembers none."""
    user, _ = cognito._user_pool_for_access_token(data.get("AccessToken") or "")
    if not user:
        return error_response_json("NotAuthorizedException", "Invalid Access Token", 400)
    return json_response({"Devices": []})


def dispatching(dispatch):
    """The emulator's choice of what answers an action, with ListDevices."""

    async def run(action, data):
        if action == "ListDevices":
            return cognito._run_idp_handler(devices, action, data)
        return await dispatch(action, data)

    return run


def install():
    """Changes the emulator in this process."""
    cognito._srp_challenge = challenging(cognito._srp_challenge)
    cognito._forgot_password = forgetting(cognito._forgot_password)
    cognito._dispatch_idp = dispatching(cognito._dispatch_idp)
