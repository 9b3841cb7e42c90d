package proxy

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recording runs cognito/messages.py with a stand-in for the emulator, which has sent one
// mail with a code and one of another kind. It makes the calls of the argument and prints
// the mails that are left: kind, address, subject and text.
const recording = `
import asyncio, json, sys, types
core, services = types.ModuleType("ministack.core"), types.ModuleType("ministack.services")
responses, cognito, ses = (types.ModuleType("ministack." + n) for n in ("core.responses", "services.cognito", "services.ses"))
responses.json_response = lambda body: (200, {}, b"{}")
services.cognito, services.ses = cognito, ses
sys.modules |= {"ministack": types.ModuleType("ministack"), "ministack.core": core, "ministack.services": services,
                "ministack.core.responses": responses, "ministack.services.cognito": cognito, "ministack.services.ses": ses}
def mail(kind, to, subject, text):
    return {"Type": kind, "UserPoolId": "p", "To": [to], "Subject": subject, "BodyText": text}
sent = [mail("CognitoVerificationMessage", "a@x", "old", "1"), mail("CognitoInvitationMessage", "a@x", "invited", "2")]
ses._sent_emails_list = lambda: sent
cognito._user_pools = {"p": {}}
cognito._resolve_verification_template = lambda pool: ("default", "code {####}")
cognito._expand_template = lambda text, name, code: text.replace("{username}", name).replace("{####}", code)
cognito._deliver_cognito_email = lambda pool, to, subject, text, type_name, extra: sent.append(mail(type_name, to, subject, text))
async def dispatch(action, data):
    return action
cognito._dispatch_idp = dispatch
from cognito import messages
messages.install()
for call in json.loads(sys.argv[1]):
    asyncio.run(cognito._dispatch_idp("RecordMessage", {"UserPoolId": "p", "Username": "u", "Code": "123456"} | call))
assert asyncio.run(cognito._dispatch_idp("SignUp", {})) == "SignUp"
print(" | ".join(" ".join([m["Type"][7:10], m["To"][0], m["Subject"], m["BodyText"]]) for m in sent))
`

func TestRecordMessage(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	const both = "Ver a@x old 1 | Inv a@x invited 2"
	for name, tc := range map[string]struct{ calls, want string }{
		"none":            {`[]`, both},
		"replaced":        {`[{"To":"a@x","Replace":true,"EmailSubject":"Neu","EmailMessage":"Ihr Code {####}"}]`, "Inv a@x invited 2 | Ver a@x Neu Ihr Code 123456"},
		"others_stay":     {`[{"To":"b@x","Replace":true,"EmailSubject":"s","EmailMessage":"m"}]`, both + " | Ver b@x s m"},
		"pools_own_text":  {`[{"To":"b@x","EmailSubject":null,"EmailMessage":null}]`, both + " | Ver b@x default code 123456"},
		"withdrawn":       {`[{"To":"a@x","Replace":true,"Withdraw":true}]`, "Inv a@x invited 2"},
		"withdrawn_twice": {`[{"To":"a@x","Replace":true,"Withdraw":true},{"To":"a@x","Replace":true,"Withdraw":true}]`, "Inv a@x invited 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, "-c", recording, tc.calls).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if diff := cmp.Diff(tc.want, strings.TrimSpace(string(out))); diff != "" {
				t.Errorf("mails (-want +got):\n%s", diff)
			}
		})
	}
}
