package proxy

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// granting runs cognito/grants.py with a stand-in for the emulator: a client without a
// secret (app), one with (web), and a code of each. It makes the calls of the argument and
// prints the status and error of each, which codes are left, and what was revoked.
const granting = `
import base64, json, sys, types
from urllib.parse import parse_qs
core, services = types.ModuleType("ministack.core"), types.ModuleType("ministack.services")
responses, cognito = types.ModuleType("ministack.core.responses"), types.ModuleType("ministack.services.cognito")
responses.json_response = lambda body: (200, {}, json.dumps(body).encode())
responses.error_response_json = lambda code, text, status: (status, {}, json.dumps({"error": code}).encode())
services.cognito = cognito
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.core": core, "ministack.services": services,
                "ministack.core.responses": responses, "ministack.services.cognito": cognito}
clients = {"app": {"ClientSecret": None}, "web": {"ClientSecret": "s"}, "kept": {"ClientSecret": None, "EnableTokenRevocation": False}}
tokens = {"refresh": {"token_use": "refresh", "client_id": "app", "scope": "openid"},
          "webs": {"token_use": "refresh", "client_id": "web", "scope": "email"},
          "access": {"token_use": "access", "client_id": "app"}, "forged": {"token_use": "refresh", "client_id": "app"}}
revoked, signed = [], []
cognito._find_pool_by_client_id = lambda id: ("p", {}, clients[id]) if id in clients else (None, None, None)
cognito._authenticate_client = lambda headers, form: (form.get("client_id", ""), form.get("client_secret", ""))
cognito._token_claims = lambda token: tokens.get(token, {})
cognito._signature_valid = lambda token: token != "forged"
cognito._id_token_granted = lambda scope: "openid" in scope
cognito._oauth2_error = lambda error, text, status=400: (status, {}, json.dumps({"error": error}).encode())
cognito._authorization_codes = {"a": {"client_id": "app"}, "w": {"client_id": "web"}}
cognito._signed_jwt = lambda claims, *how: signed.append(claims.get("auth_time"))
def refresh(pool, pool_id, client_id, token):
    if tokens.get(token, {}).get("client_id") != client_id:
        return None, (400, {}, b"{}")
    return {"IdToken": "i", "AccessToken": "t", "ExpiresIn": 900}, None
cognito._refresh_auth_result = refresh
def token_endpoint(data, query, body, headers):
    form = parse_qs(body.decode())
    right = form.get("code_verifier") == ["v"] and cognito._authorization_codes.pop(form["code"][0], None)
    return (200, {}, b"{}") if right else cognito._oauth2_error("invalid_grant", "")
cognito._oauth2_token = token_endpoint
def revoke(data):
    revoked.append(data["Token"])
    return 200, {}, b"{}"
cognito._revoke_token = revoke
from cognito import grants
grants.install()
answers = []
for call in json.loads(sys.argv[1]):
    if isinstance(call, str):
        status, _, body = cognito._oauth2_token({}, {}, call.encode(), {})
    elif "Token" in call:
        status, _, body = cognito._revoke_token(call)
    else:
        cognito._signed_jwt(call, "p", "access")
        continue
    body = json.loads(body)
    answers.append([status, body.get("error", " ".join(sorted(body)))])
print(json.dumps([answers, sorted(cognito._authorization_codes), revoked, signed]))
`

func TestGrants(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const both = `["a","w"]`
	for name, tc := range map[string]struct{ calls, want string }{
		"code":                     {`["grant_type=authorization_code&client_id=app&code=a&code_verifier=v"]`, `[[[200,""]],["w"],[],[]]`},
		"wrong_verifier_spends":    {`["grant_type=authorization_code&client_id=app&code=a&code_verifier=x", "grant_type=authorization_code&client_id=app&code=a&code_verifier=v"]`, `[[[400,"invalid_grant"],[400,"invalid_grant"]],["w"],[],[]]`},
		"wrong_secret_spends_none": {`["grant_type=authorization_code&client_id=web&code=w&code_verifier=v", "grant_type=authorization_code&client_id=web&client_secret=x&code=w", "grant_type=authorization_code&client_id=web&client_secret=s&code=w&code_verifier=v"]`, `[[[400,"invalid_client"],[400,"invalid_client"],[200,""]],["a"],[],[]]`},
		"others_code_stays":        {`["grant_type=authorization_code&client_id=app&code=w&code_verifier=x"]`, `[[[400,"invalid_grant"]],` + both + `,[],[]]`},
		"unknown_client":           {`["grant_type=authorization_code&client_id=none&code=a", "grant_type=refresh_token&refresh_token=refresh"]`, `[[[400,"invalid_client"],[400,"invalid_client"]],` + both + `,[],[]]`},
		"refresh":                  {`["grant_type=refresh_token&client_id=app&refresh_token=refresh", "grant_type=refresh_token&client_id=web&client_secret=s&refresh_token=webs"]`, `[[[200,"access_token expires_in id_token token_type"],[200,"access_token expires_in token_type"]],` + both + `,[],[]]`},
		"refresh_without_secret":   {`["grant_type=refresh_token&client_id=web&refresh_token=webs", "grant_type=refresh_token&client_id=app&refresh_token=webs", "grant_type=refresh_token&client_id=app&refresh_token=x"]`, `[[[400,"invalid_client"],[400,"invalid_grant"],[400,"invalid_grant"]],` + both + `,[],[]]`},
		"revoke":                   {`[{"ClientId":"app","Token":"refresh"}, {"ClientId":"web","ClientSecret":"s","Token":"webs"}]`, `[[[200,""],[200,""]],` + both + `,["refresh","webs"],[]]`},
		"revoke_nothing":           {`[{"ClientId":"app","Token":"unknown"}, {"ClientId":"app","Token":"forged"}]`, `[[[200,""],[200,""]],` + both + `,[],[]]`},
		"revoke_refused":           {`[{"ClientId":"app","Token":"webs"}, {"ClientId":"web","Token":"webs"}, {"ClientId":"none","Token":"refresh"}, {"ClientId":"app","Token":"access"}, {"ClientId":"kept","Token":"refresh"}, {"ClientId":"app","Token":""}]`, `[[[400,"InvalidParameterException"],[400,"UnauthorizedException"],[400,"UnauthorizedException"],[400,"UnsupportedTokenTypeException"],[400,"UnsupportedOperationException"],[400,"InvalidParameterException"]],` + both + `,[],[]]`},
		"time_of_the_sign_in":      {`[{"origin_jti":"o","auth_time":1,"username":"u"}, {"origin_jti":"o","auth_time":9,"cognito:username":"u"}, {"origin_jti":"q","auth_time":9,"username":"u"}, {"origin_jti":"m","auth_time":1}, {"origin_jti":"m","auth_time":9}]`, `[[],` + both + `,[],[1,1,9,1,9]]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-B", "-c", granting, tc.calls).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got, want any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
