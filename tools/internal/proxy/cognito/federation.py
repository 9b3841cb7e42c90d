"""Signs people of an OpenID Connect provider in as Cognito does.

Gap: the emulator sends people back from a provider to the pool's domain on AWS, believes
any ID token, ignores PKCE, makes an attribute of every claim, and keeps errors to itself.
Delete this file when it does none of it. SAML is as the emulator has it.

What AWS documents: the app gets its answer at its own address, errors as error and
error_description, also those of the provider and of triggers (the guide's page of
federation error responses). The signature, issuer and audience of the ID token are checked
(the page of OIDC providers), and claims become attributes by the mapping only (the page of
attribute mapping). A linked person signs in as the user that they are linked to (the page
about linking). The guide names neither the text of an error nor the order of the checks.

Two headers of the answer tell the proxy who came back, and whether for the first time; it
fires the triggers and removes them.
"""

import ast
import base64
import contextvars
import http.client
import json
import ssl
import time
import urllib.request
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from ministack.services import cognito

FIRST = "PreSignUp_ExternalProvider"
current: contextvars.ContextVar[dict] = contextvars.ContextVar("current", default={})  # the flow that is being served


class Mapped(dict):
    """The claims that a provider's mapping names. They count even if there are none."""

    def __bool__(self):
        return True


class Loopback(urllib.request.HTTPSHandler):
    """Takes any certificate of a provider on this machine, where a test has made its own."""

    trusting = ssl._create_unverified_context()

    def https_open(self, req):
        if urlsplit(req.full_url).hostname in ("127.0.0.1", "localhost", "::1"):
            return self.do_open(http.client.HTTPSConnection, req, context=self.trusting)
        return super().https_open(req)


def failed(started, error, description):
    """The way back to the app with an error."""
    answer = {"error_description": description, "error": error} | ({"state": started["state"]} if started["state"] else {})
    separator = "&" if "?" in started["redirect_uri"] else "?"
    return 302, {"Location": started["redirect_uri"] + separator + urlencode(answer), "Cache-Control": "no-store"}, b""


def authorizing(authorize):
    """/oauth2/authorize, which remembers the app's challenge and where people come back to."""

    def run(method, path, headers, query):
        if not cognito._qp(query, "identity_provider"):
            return authorize(method, path, headers, query)
        callback = f"{headers.get('x-forwarded-proto') or 'http'}://{headers.get('host')}/oauth2/idpresponse"
        token = current.set({"callback": callback})
        try:
            status, out, body = authorize(method, path, headers, query)
        finally:
            current.reset(token)
        state = parse_qs(urlsplit(out.get("Location", "")).query).get("state", [""])[0]
        started = cognito._auth_codes.get(state)
        if status == 302 and started and started["type"] == "relay":
            started |= {"callback": callback} | {name: cognito._qp(query, name) for name in ("code_challenge", "code_challenge_method")}
        return status, out, body

    return run


def answering(respond):
    """/oauth2/idpresponse, whose every answer is for the app."""

    def run(method, body, query):
        state = cognito._qp(query, "state")
        started = cognito._auth_codes.get(state) or {}
        if started.get("type") != "relay":
            return respond(method, body, query)
        if cognito._qp(query, "error"):
            cognito._auth_codes.pop(state, None)
            return failed(started, cognito._qp(query, "error"), f"{started['provider_name']} Error - {cognito._qp(query, 'error_description')}")
        pool = cognito._get_pool_unscoped(started["pool_id"])
        provider = pool.get("_identity_providers", {}).get(started["provider_name"]) or {}
        known = set(pool["_users"])
        token = current.set({"callback": started.get("callback"), "details": provider.get("ProviderDetails", {})})
        try:
            status, out, answer = respond(method, body, query)
        finally:
            current.reset(token)
        if status != 302:
            return failed(started, "invalid_request", json.loads(answer).get("message", ""))
        code = parse_qs(urlsplit(out["Location"]).query)["code"][0]
        return issued(started, pool, cognito._auth_codes.pop(code)["username"], known)

    return run


def issued(started, pool, username, known):
    """The way back to the app with a code, of the kind that the token endpoint checks PKCE for."""
    user = pool["_users"][username]
    if not user.get("Enabled", True):
        return failed(started, "invalid_request", "User is not enabled")
    attributes = {"email_verified": "false"} | cognito._attr_list_to_dict(user["Attributes"])
    user["Attributes"] = cognito._dict_to_attr_list(attributes)
    status, out, body = cognito._issue_auth_code_redirect(
        started["client_id"], started["pool_id"], started["redirect_uri"], started["scope"], username,
        started["nonce"], started.get("code_challenge", ""), started.get("code_challenge_method", ""), started["state"],
    )
    return status, out | {"X-Gatehouse-User": quote(username), "X-Gatehouse-First": str(username not in known).lower()}, body


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def fetched(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def verified(decode):
    """The claims of a provider's ID token, if the token is what AWS checks."""

    def run(token):
        claims, details = decode(token), current.get().get("details")
        if details is None:
            return claims
        if claims.get("iss") != details.get("oidc_issuer"):
            raise ValueError("Bad id_token issuer")
        audience = claims.get("aud")
        if details.get("client_id") not in (audience if isinstance(audience, list) else [audience]):
            raise ValueError("Bad id_token audience")
        if not time.time() < claims.get("exp", 0):
            raise ValueError("The id_token has expired")
        signed(token, details)
        return claims

    return run


def signed(token, details):
    """Raises unless a key of the provider signed the token."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    text, _, signature = token.rpartition(".")
    head = json.loads(decoded(text.split(".")[0]))
    address = details.get("jwks_uri") or fetched(details["oidc_issuer"].rstrip("/") + "/.well-known/openid-configuration")["jwks_uri"]
    keys = [key for key in fetched(address)["keys"] if key.get("kid") == head.get("kid") and key.get("kty") == "RSA"]
    if head.get("alg") != "RS256" or not keys:
        raise ValueError("The id_token is signed with no known key")
    e, n = (int.from_bytes(decoded(keys[0][name]), "big") for name in ("e", "n"))
    try:
        rsa.RSAPublicNumbers(e, n).public_key().verify(decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise ValueError("Bad id_token signature") from None


def mapping(inbound):
    """InboundFederation, and without it the claims that the provider's mapping names."""

    def run(pool_id, client_id, username, provider_name, kind, tokens):
        given = inbound(pool_id, client_id, username, provider_name, kind, tokens)
        if given or kind != "OIDC":
            return given
        pool = cognito._get_pool_unscoped(pool_id)
        names, claims = pool["_identity_providers"][provider_name]["AttributeMapping"], tokens["idToken"]
        return Mapped({
            claim: value if isinstance(value, str) else json.dumps(value)
            for name, claim in names.items()
            if name != "username" and isinstance(value := claims.get(claim), str | int | float | bool)
        })

    return run


def message(text):
    """A function's own words in what the emulator reports: JSON, or a dictionary that Python has printed."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return str(parse(text)["errorMessage"])
        except (ValueError, SyntaxError, TypeError, KeyError):
            continue
    return text


def refusing(ask):
    """PreSignUp of a first sign-in, refused in AWS's words."""

    def run(pool_id, client_id, username, user_attrs, trigger_source=FIRST):
        try:
            return ask(pool_id, client_id, username, user_attrs, trigger_source)
        except cognito._PreSignUpRejected as refusal:
            if trigger_source != FIRST:
                raise
            raise cognito._PreSignUpRejected(f"PreSignUp failed with error {message(str(refusal))}.") from refusal

    return run


def install():
    """Changes the emulator in this process."""
    address = cognito._oidc_callback_url
    cognito._oidc_callback_url = lambda pool: current.get().get("callback") or address(pool)
    cognito.handle_oauth2_authorize = authorizing(cognito.handle_oauth2_authorize)
    cognito._oauth2_idp_response = answering(cognito._oauth2_idp_response)
    cognito._decode_id_token_unverified = verified(cognito._decode_id_token_unverified)
    cognito._apply_inbound_federation_trigger = mapping(cognito._apply_inbound_federation_trigger)
    cognito._apply_presignup_trigger = refusing(cognito._apply_presignup_trigger)
    urllib.request.install_opener(urllib.request.build_opener(Loopback))
