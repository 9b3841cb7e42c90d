"""Custom challenges as AWS documents them, for people with and without an account.

Gap: for a user who does not exist the emulator answers CUSTOM_AUTH with an error, where
Cognito calls the triggers with userNotFound if the app client prevents user-existence
errors. It gives the triggers what was typed as the user's name, no status of the account,
the metadata of InitiateAuth, and Verify the history. Delete this file when it does none of it.

What AWS documents: the guide's pages about the three triggers, and about ClientMetadata
(https://repost.aws/knowledge-center/cognito-clientmetadata-lambda-trigger). The members of the
events are those of aws-lambda-go's fixtures. What userName is for a user who does not exist is
not documented: here it is what was typed.
"""

import contextvars

from ministack.services import cognito

# The step of a custom challenge that this call takes, and the app client: begin, answer, or none.
step = contextvars.ContextVar("step", default=(None, None))


def stepping(handler, which, is_step):
    """An operation that says which step of a custom challenge it takes."""

    def run(data):
        token = step.set((which, data.get("ClientId")) if is_step(data) else (None, None))
        try:
            return handler(data)
        finally:
            step.reset(token)

    return run


def resolving(resolve):
    """_resolve_user, with a stand-in for a user who does not exist in a custom challenge."""

    def run(pool, username):
        user, error = resolve(pool, username)
        which, client = step.get()
        if error is None or which is None or not cognito._hides_user_existence(pool, client):
            return user, error
        return {"Username": username, "Attributes": [], "Enabled": True, "UserStatus": None, "_stand_in": True}, None

    return run


def telling(build):
    """The event of a trigger, as Cognito makes it."""

    def run(pool_id, client_id, username, attributes, session, *more):
        event = build(pool_id, client_id, username, attributes, session, *more)
        user, _ = cognito._resolve_user(cognito._user_pools[pool_id], username)
        request = event["request"]
        request["userNotFound"] = bool(user and user.get("_stand_in"))
        if user and not request["userNotFound"]:
            event["userName"] = user["Username"]
            request["userAttributes"] = {**(attributes or {}), "cognito:user_status": user.get("UserStatus")}
        if step.get()[0] == "begin" or not request.get("clientMetadata"):
            request.pop("clientMetadata", None)
        if event["triggerSource"].startswith("Verify"):
            for name in ("session", "challengeName", "publicChallengeParameters"):
                request.pop(name, None)
        return event

    return run


def begins(data):
    return data.get("AuthFlow") == "CUSTOM_AUTH"


def answers(data):
    return data.get("ChallengeName") == "CUSTOM_CHALLENGE"


def install():
    """Changes the emulator in this process."""
    cognito._resolve_user = resolving(cognito._resolve_user)
    for name in ("_initiate_auth", "_admin_initiate_auth"):
        setattr(cognito, name, stepping(getattr(cognito, name), "begin", begins))
    for name in ("_respond_to_auth_challenge", "_admin_respond_to_auth_challenge"):
        setattr(cognito, name, stepping(getattr(cognito, name), "answer", answers))
    for name in ("define", "create", "verify"):
        setattr(cognito, f"_build_{name}_auth_challenge_event", telling(getattr(cognito, f"_build_{name}_auth_challenge_event")))
