"""Rotates the refresh tokens of app clients that ask for it.

Gap: the emulator drops RefreshTokenRotation and never answers with a new refresh token.
Delete this file when it keeps the setting and rotates.

What AWS documents, in "Refresh tokens" of the Cognito developer guide: the new token is
valid for what remains of the old one, whose use is refused after the grace period, and
REFRESH_TOKEN_AUTH does not work with rotation. GetTokensFromRefreshToken's reference
names RefreshTokenReuseException. No document says how REFRESH_TOKEN_AUTH is refused.
"""

import json
import time
from urllib.parse import parse_qs
from uuid import uuid4

from ministack.core.responses import error_response_json, json_response
from ministack.services import cognito
from ministack.services.cloudformation import provisioners

OFF = {"Feature": "DISABLED", "RetryGracePeriodSeconds": 0}
replaced: dict[str, float] = {}  # refresh tokens that were rotated, with the end of their grace period


def grace(token, client_id):
    """Seconds for which the client's replaced tokens stay valid, or None if it does not rotate."""
    pool = cognito._get_pool_unscoped(str(cognito._token_claims(token).get("iss", "")).rsplit("/", 1)[-1])
    setting = ((pool or {}).get("_clients", {}).get(client_id) or {}).get("RefreshTokenRotation") or OFF
    return setting.get("RetryGracePeriodSeconds") or 0 if setting["Feature"] == "ENABLED" else None


def successor(token, seconds):
    """A new token, valid as long as the old one, which it replaces after these seconds."""
    claims = cognito._token_claims(token)
    new = cognito._signed_jwt(claims | {"jti": str(uuid4())}, claims["iss"].rsplit("/", 1)[-1], "access")
    replaced.setdefault(token, time.time() + seconds)
    if token in cognito._refresh_tokens:  # a token of the hosted pages
        cognito._refresh_tokens[new] = cognito._refresh_tokens[token]
    return new


def used(token):
    return replaced.get(token, float("inf")) <= time.time()


def keeping(change):
    """CreateUserPoolClient or UpdateUserPoolClient, with the setting."""

    def run(data):
        status, headers, body = change(data)
        if status != 200:
            return status, headers, body
        pool = cognito._user_pools[data["UserPoolId"]]
        client = pool["_clients"][json.loads(body)["UserPoolClient"]["ClientId"]]
        client["RefreshTokenRotation"] = data.get("RefreshTokenRotation") or client.get("RefreshTokenRotation") or OFF
        return json_response({"UserPoolClient": {k: v for k, v in client.items() if v is not None}})

    return run


def rotating(refresh):
    """GetTokensFromRefreshToken, with rotation."""

    def run(data):
        token = data.get("RefreshToken") or ""
        if used(token):
            return error_response_json("RefreshTokenReuseException", "Refresh token has been rotated", 400)
        status, headers, body = refresh(data)
        seconds = grace(token, data.get("ClientId"))
        if status != 200 or seconds is None:
            return status, headers, body
        answer = json.loads(body)
        answer["AuthenticationResult"]["RefreshToken"] = successor(token, seconds)
        return json_response(answer)

    return run


def rotating_endpoint(token_endpoint):
    """The token endpoint, with rotation for the grant refresh_token."""

    def run(data, query, raw_body=b"", headers=None):
        form = parse_qs(raw_body.decode("utf-8", errors="replace"))
        token = form.get("refresh_token", [""])[0] if form.get("grant_type") == ["refresh_token"] else ""
        if used(token):
            return cognito._oauth2_error("invalid_grant", "Invalid refresh token.")
        status, out, body = token_endpoint(data, query, raw_body, headers)
        seconds = grace(token, cognito._token_claims(token).get("client_id")) if token and status == 200 else None
        if seconds is None:
            return status, out, body
        return status, out, json.dumps(json.loads(body) | {"refresh_token": successor(token, seconds)}).encode()

    return run


def refusing(sign_in):
    """InitiateAuth or AdminInitiateAuth, without refreshing for a client that rotates."""

    def run(data):
        if data.get("AuthFlow") in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            token = (data.get("AuthParameters") or {}).get("REFRESH_TOKEN", "")
            if grace(token, data.get("ClientId")) is not None:
                return error_response_json("InvalidParameterException", "REFRESH_TOKEN_AUTH is not enabled for the client.", 400)
        return sign_in(data)

    return run


def install():
    """Changes the emulator in this process."""
    cognito._create_user_pool_client = keeping(cognito._create_user_pool_client)
    cognito._update_user_pool_client = keeping(cognito._update_user_pool_client)
    cognito._get_tokens_from_refresh_token = rotating(cognito._get_tokens_from_refresh_token)
    cognito._oauth2_token = rotating_endpoint(cognito._oauth2_token)
    cognito._initiate_auth = refusing(cognito._initiate_auth)
    cognito._admin_initiate_auth = refusing(cognito._admin_initiate_auth)
    provisioners._COGNITO_USER_POOL_CLIENT_UPDATABLE["RefreshTokenRotation"] = OFF
