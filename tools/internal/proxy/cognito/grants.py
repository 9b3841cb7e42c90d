"""Checks what is sent to the token endpoint and to RevokeToken, and keeps the time of a sign-in.

Gap: the emulator takes a code again after a wrong verifier, refreshes for a client that
does not give its secret, forgets groups in what it refreshes there, puts the time of the
refresh into auth_time, and revokes any token for anybody. Delete this file when it does none of it.

What AWS documents: a code that was consumed or does not exist is invalid_grant, a client
that is not authenticated is invalid_client (the guide's page of the token endpoint). To
revoke a token "must include the client ID that was used to obtain the token", another
kind of token is UnsupportedTokenTypeException, and an invalid one succeeds (the pages of
token revocation and of the revocation endpoint). OpenID Connect Core 1.0, section 12.2,
forbids another auth_time; AWS calls it a fault of Cognito where rotation does it
(authts/oidc-client-ts#2107).
"""

import hmac
import json
from urllib.parse import parse_qs

from ministack.core.responses import error_response_json, json_response
from ministack.services import cognito

signed_in: dict[str, int] = {}  # when, by origin_jti; kept as long as the emulator's own lists of tokens


def signing(sign):
    """The emulator's signing of a token, with the time of the sign-in that it comes from."""

    def run(claims, *how):
        origin = claims.get("origin_jti")
        if origin and "auth_time" in claims and ("username" in claims or "cognito:username" in claims):
            claims = claims | {"auth_time": signed_in.setdefault(origin, claims["auth_time"])}
        return sign(claims, *how)

    return run


def proved(client, secret):
    """Whether the client exists and gave its secret, if it has one."""
    return client is not None and hmac.compare_digest((client.get("ClientSecret") or secret).encode(), secret.encode())


def refreshed(token, client_id):
    """The token endpoint's answer to a refresh token, as the API would refresh it."""
    pool_id, pool, _ = cognito._find_pool_by_client_id(client_id)
    result, error = cognito._refresh_auth_result(pool, pool_id, client_id, token)
    if error:
        return cognito._oauth2_error("invalid_grant", "Invalid refresh token.")
    answer = {
        "id_token": result["IdToken"],
        "access_token": result["AccessToken"],
        "expires_in": result["ExpiresIn"],
        "token_type": "Bearer",
    }
    if not cognito._id_token_granted(cognito._token_claims(token).get("scope")):
        del answer["id_token"]
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def checking(token_endpoint):
    """The token endpoint, which asks for the client's proof first and takes each code once."""

    def run(data, query, raw_body=b"", headers=None):
        form = {name: values[0] for name, values in parse_qs(raw_body.decode("utf-8", errors="replace")).items()}
        client_id, secret = cognito._authenticate_client(headers or {}, form)
        if not proved(cognito._find_pool_by_client_id(client_id)[2], secret):
            # The code stays valid: libraries try Basic first, then the form.
            return cognito._oauth2_error("invalid_client", "Client authentication failed.")
        if form.get("grant_type") == "refresh_token":
            return refreshed(form.get("refresh_token", ""), client_id)
        status, out, body = token_endpoint(data, query, raw_body, headers)
        issued = cognito._authorization_codes.get(form.get("code"))
        if status != 200 and issued and issued["client_id"] == client_id:
            cognito._authorization_codes.pop(form["code"], None)
        return status, out, body

    return run


def revoking(revoke):
    """RevokeToken, for the client that got the token."""

    def run(data):
        token, client_id = data.get("Token") or "", data.get("ClientId") or ""
        if not token or not client_id:
            return error_response_json("InvalidParameterException", "ClientId and Token are required.", 400)
        _, _, client = cognito._find_pool_by_client_id(client_id)
        if not proved(client, cognito._authenticate_client({}, {"client_id": client_id, "client_secret": data.get("ClientSecret") or ""})[1]):
            return error_response_json("UnauthorizedException", "The client is not authenticated.", 400)
        if client.get("EnableTokenRevocation") is False:
            return error_response_json("UnsupportedOperationException", "Token revocation is not enabled for the client.", 400)
        claims = cognito._token_claims(token)
        if not claims or not cognito._signature_valid(token):
            return json_response({})
        if claims.get("token_use") != "refresh":
            return error_response_json("UnsupportedTokenTypeException", "The token is not a refresh token.", 400)
        if claims.get("client_id") != client_id:
            return error_response_json("InvalidParameterException", "The token was issued to another client.", 400)
        return revoke(data)

    return run


def install():
    """Changes the emulator in this process."""
    cognito._signed_jwt = signing(cognito._signed_jwt)
    cognito._oauth2_token = checking(cognito._oauth2_token)
    cognito._revoke_token = revoking(cognito._revoke_token)
