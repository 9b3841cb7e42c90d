"""Checks what is written to a user's attributes, and what of them userInfo shows.

Gap: the emulator lets users write any attribute, sub and email_verified among them,
takes any text as an address, and shows every attribute to every scope. Delete this file
when it does none of it.

What AWS documents: an app client writes the attributes of its WriteAttributes, by default
the standard ones (CreateUserPoolClient), and userInfo returns what the client may read, of
it only what the scopes profile, email and phone name if the token has one of them (the
guide's page of the endpoint). What was reported from real pools: writing email_verified
is `A client attempted to write unauthorized attribute` (aws/aws-sdk-js#3603), an
attribute that cannot change is `user.<name>: Attribute cannot be updated.`
(aws-amplify/amplify-swift#3981), the texts about the schema and the form of an address
(qiita.com/Khmer495/items/15d36754072096e4ba96). Which error comes first is not known.
"""

import json

from ministack.core.responses import error_response_json
from ministack.services import cognito

NOT_WRITABLE = {"sub", "email_verified", "phone_number_verified"}
STANDARD = {a["Name"] for a in cognito._STANDARD_SCHEMA_ATTRIBUTES} - NOT_WRITABLE
IDENTITY = {"sub", "username", "cognito:username", "cognito:groups"}
SHOWN = {
    "profile": STANDARD - {"email", "phone_number", "address"},
    "email": {"email", "email_verified"},
    "phone": {"phone_number", "phone_number_verified"},
}


def named(data, field="UserAttributes"):
    return cognito._attr_list_to_dict(data.get(field) or [])


def format_error(pool, attributes):
    """The error for attributes that the pool does not have or whose values it does not take, or None."""
    known = {a["Name"] for a in cognito._ensure_schema_attributes(pool)["SchemaAttributes"]}
    message = None
    for name, value in attributes.items():
        if name not in known:
            message = f"Attributes did not conform to the schema: {name}: Attribute does not exist in the schema.\n"
        elif name == "email" and value and not cognito._USERNAME_EMAIL_RE.fullmatch(value):
            message = "Invalid email address format."
        elif name == "phone_number" and value and not cognito._USERNAME_PHONE_RE.fullmatch(value):
            message = "Invalid phone number format."
        if message:
            return error_response_json("InvalidParameterException", message, 400)
    return None


def write_error(client, attributes):
    """The error for attributes that the app client may not write, or None."""
    if set(attributes) <= set((client or {}).get("WriteAttributes") or STANDARD) - NOT_WRITABLE:
        return None
    return error_response_json("NotAuthorizedException", "A client attempted to write unauthorized attribute", 400)


def update_error(pool, attributes):
    """The error for attributes that never change, or None."""
    fixed = {a["Name"] for a in pool["SchemaAttributes"] if not a["Mutable"]}
    for name in attributes:
        if name in fixed:
            return error_response_json("InvalidParameterException", f"user.{name}: Attribute cannot be updated.\n", 400)
    return None


def signing_up(sign_up):
    """SignUp, for which the emulator refuses sub itself."""

    def run(data):
        pool, _ = cognito._pool_for_client(data.get("ClientId"))
        if not pool:
            return sign_up(data)
        attributes = {name: value for name, value in named(data).items() if name != "sub"}
        error = format_error(pool, attributes) or write_error(pool["_clients"].get(data["ClientId"]), attributes)
        return error or sign_up(data)

    return run


def updating(update):
    """UpdateUserAttributes, for the app client that got the access token."""

    def run(data):
        token = data.get("AccessToken") or ""
        user, pool = cognito._user_pool_for_access_token(token)
        if not user:
            return update(data)
        attributes = named(data)
        client = pool["_clients"].get(cognito._token_claims(token).get("client_id"))
        error = format_error(pool, attributes) or write_error(client, attributes) or update_error(pool, attributes)
        return error or update(data)

    return run


def administering(write, checks):
    """AdminCreateUser or AdminUpdateUserAttributes, which no app client restricts."""

    def run(data):
        pool = cognito._user_pools.get(data.get("UserPoolId"))
        errors = (check(pool, named(data)) for check in checks) if pool else ()
        return next((error for error in errors if error), None) or write(data)

    return run


def showing(user_info):
    """/oauth2/userInfo, with what the client may read and the scopes name."""

    def run(method, path, headers, *more):
        status, out, body = user_info(method, path, headers, *more)
        if status != 200:
            return status, out, body
        token = cognito._token_claims(headers["authorization"].split(" ", 1)[1].strip())
        _, _, client = cognito._find_pool_by_client_id(token.get("client_id"))
        readable = set((client or {}).get("ReadAttributes") or ())
        scopes = [s for s in str(token.get("scope", "")).split() if s in SHOWN]
        custom = not scopes or "profile" in scopes
        wanted = set().union(*(SHOWN[s] for s in scopes))

        def shown(name):
            if name in IDENTITY:
                return True
            if readable and name not in readable:
                return False
            return custom if ":" in name else not scopes or name in wanted

        claims = {name: value for name, value in json.loads(body).items() if shown(name)}
        return status, out, json.dumps(claims).encode()

    return run


def install():
    """Changes the emulator in this process."""
    cognito._sign_up = signing_up(cognito._sign_up)
    cognito._update_user_attributes = updating(cognito._update_user_attributes)
    cognito._admin_create_user = administering(cognito._admin_create_user, [format_error])
    cognito._admin_update_user_attributes = administering(cognito._admin_update_user_attributes, [format_error, update_error])
    cognito.handle_oauth2_userinfo = showing(cognito.handle_oauth2_userinfo)
