package adopt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	poolID  = "eu-central-1_AbCdEfGhI"
	guard   = "arn:aws:lambda:eu-central-1:111122223333:function:gatehouse-dev-signup-guard-presignup:live"
	created = "arn:aws:lambda:eu-central-1:111122223333:function:gatehouse-dev-user-events-postconfirmation:live"
	foreign = "arn:aws:lambda:eu-central-1:111122223333:function:crm"
)

var functions = map[string]string{"PreSignUp": guard, "PostConfirmation": created}

func attach(replace bool) planner {
	return func(_ context.Context, now pool) (map[string]any, error) {
		return attached(now.triggers(), functions, replace)
	}
}

func detach(_ context.Context, now pool) (map[string]any, error) {
	return detached(now.triggers(), "", nil), nil
}

// newCloud is Cognito with a pool that has these settings.
func newCloud(t *testing.T, settings string) *cloud {
	t.Helper()
	c := &cloud{settings: parsed(t, `{"Id":"`+poolID+`","Name":"customers","Arn":"arn:aws:cognito-idp:eu-central-1:111122223333:userpool/`+poolID+`","CreationDate":1700000000.123,
		"LastModifiedDate":1796100000.25,"EstimatedNumberOfUsers":5,"MfaConfiguration":"OPTIONAL","SchemaAttributes":[{"Name":"sub","Required":true}],"UsernameAttributes":["email"],"Domain":"customers",
		"LambdaConfig":{},"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":false},"DeletionProtection":"INACTIVE","UserPoolTier":"ESSENTIALS","EmailConfiguration":{}}`)}
	c.mfa = parsed(t, `{"MfaConfiguration":"OPTIONAL","SoftwareTokenMfaConfiguration":{"Enabled":true},"WebAuthnConfiguration":{"RelyingPartyId":"example.com","UserVerification":"required"}}`)
	maps.Copy(c.settings, parsed(t, settings))
	return c
}

// run runs a command on the pool and returns what it printed.
func (c *cloud) run(t *testing.T, plan planner, more ...func(*changer)) (string, error) {
	t.Helper()
	var out strings.Builder
	ch := &changer{
		api: c.client(t), id: poolID, command: "attach", file: filepath.Join(t.TempDir(), "pool.json"), yes: true,
		in: strings.NewReader(""), out: &out, now: func() time.Time { return time.Unix(1796100000, 0) }, pause: time.Microsecond,
	}
	for _, f := range more {
		f(ch)
	}
	err := ch.run(t.Context(), plan)
	return out.String(), err
}

// but is a copy of settings without some.
func but(settings map[string]any, names ...string) map[string]any {
	out := maps.Clone(settings)
	maps.DeleteFunc(out, func(name string, _ any) bool { return slices.Contains(names, name) })
	return out
}

func clone(t *testing.T, v map[string]any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, string(raw))
}

// Pools with random settings of every kind are attached and detached. Afterwards each
// setting is as it was, and each foreign trigger too.
func TestEverySettingIsAsItWas(t *testing.T) {
	t.Parallel()
	all := variants(t)
	names := slices.Sorted(maps.Keys(all))
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 14))
		c := newCloud(t, `{}`)
		c.resetsMFA = seed%4 == 3
		for _, name := range names {
			if i := r.IntN(len(all[name]) + 1); i < len(all[name]) {
				maps.Copy(c.settings, clone(t, all[name][i]))
			}
		}
		possible(c.settings)
		before, mfa := clone(t, c.settings), clone(t, c.mfa)
		foreigners := clone(t, object(before["LambdaConfig"]))
		if out, err := c.run(t, attach(false)); err != nil {
			t.Fatalf("seed %d: attach: %v\n%s\nrequest %s", seed, err, out, show(c.updates))
		}
		want := clone(t, foreigners)
		want["PreSignUp"], want["PostConfirmation"] = guard, created
		if diff := cmp.Diff(want, object(c.settings["LambdaConfig"])); diff != "" {
			t.Fatalf("seed %d: triggers after attach (-want +got):\n%s", seed, diff)
		}
		if out, err := c.run(t, detach); err != nil {
			t.Fatalf("seed %d: detach: %v\n%s", seed, err, out)
		}
		after := clone(t, c.settings)
		if diff := cmp.Diff(foreigners, object(after["LambdaConfig"])); diff != "" {
			t.Fatalf("seed %d: triggers after detach (-want +got):\n%s", seed, diff)
		}
		unequal := []string{"LastModifiedDate", "LambdaConfig"}
		if lines := slices.Concat(differences("", but(before, unequal...), but(after, unequal...)), differences("", mfa, c.mfa)); len(lines) > 0 {
			t.Fatalf("seed %d: other settings: %q", seed, lines)
		}
	}
}

// possible takes out of random settings what no pool has.
func possible(settings map[string]any) {
	if verified, _ := settings["AutoVerifiedAttributes"].([]any); len(verified) == 0 {
		delete(settings, "UserAttributeUpdateSettings")
	}
	// Cognito sets the former texts and the former limit to the present ones.
	texts := object(settings["VerificationMessageTemplate"])
	for former, present := range map[string]string{"EmailVerificationMessage": "EmailMessage", "EmailVerificationSubject": "EmailSubject", "SmsVerificationMessage": "SmsMessage"} {
		if texts[present] != nil {
			settings[former] = texts[present]
		}
	}
	days := object(object(settings["Policies"])["PasswordPolicy"])["TemporaryPasswordValidityDays"]
	if config := object(settings["AdminCreateUserConfig"]); days != nil {
		config["UnusedAccountValidityDays"] = days
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings string
		plan     planner
		change   func(*cloud)
		more     func(*changer)
		want     string
	}{
		"place_is_taken":    {`{"LambdaConfig":{"PreSignUp":"` + foreign + `"}}`, attach(false), nil, nil, "PreSignUp: " + foreign},
		"newer_setting":     {`{"QuantumConfiguration":{"Mode":"ON"}}`, attach(false), nil, nil, "does not know, and Cognito may reset what is not passed back: QuantumConfiguration"},
		"no_terminal":       {`{}`, attach(false), nil, func(c *changer) { c.yes = false }, "add --yes"},
		"answer_is_no":      {`{}`, attach(false), nil, func(c *changer) { c.yes, c.terminal, c.in = false, true, strings.NewReader("no\n") }, "nothing was changed"},
		"changed_meanwhile": {`{}`, attach(false), func(c *cloud) { c.onRead = touchOnSecond(c) }, nil, "somebody else changed the pool"},
		"file_exists":       {`{}`, attach(false), nil, func(c *changer) { c.file = "change_test.go" }, "nothing was changed: os.OpenFile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, tc.settings)
			if tc.change != nil {
				tc.change(c)
			}
			var more []func(*changer)
			if tc.more != nil {
				more = append(more, tc.more)
			}
			out, err := c.run(t, tc.plan, more...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q\n%s", err, tc.want, out)
			}
			if len(c.updates) > 0 {
				t.Errorf("the pool was updated: %v", c.updates)
			}
		})
	}
}

// touchOnSecond changes the pool before it is read for the second time.
func touchOnSecond(c *cloud) func(map[string]any) {
	return func(settings map[string]any) {
		if c.reads == 2 {
			settings["AutoVerifiedAttributes"] = []any{"email"}
		}
	}
}

// An answer of Cognito's that is not what was asked for is an error, which names the
// setting, the file, and the command that sets the triggers back.
func TestWhatBecameOfThePoolIsRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(map[string]any)
		more   func(*changer)
		want   string
	}{
		"setting_lost": {func(s map[string]any) { s["DeletionProtection"] = "INACTIVE" }, nil, `DeletionProtection: was "ACTIVE", is "INACTIVE"`},
		"setting_nested": {func(s map[string]any) {
			object(object(s["Policies"])["PasswordPolicy"])["MinimumLength"] = json.Number("6")
		}, nil, "Policies.PasswordPolicy.MinimumLength: was 12, is 6"},
		"trigger_lost": {func(s map[string]any) { delete(object(s["LambdaConfig"]), "CustomMessage") }, nil, `LambdaConfig.CustomMessage: was "` + foreign + `", is nothing`},
		"left_out":     {func(s map[string]any) { delete(s, "Quantum") }, func(c *changer) { c.leaveOut = []string{"Quantum"} }, "Quantum.Mode: was \"ON\", is nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, `{"DeletionProtection":"ACTIVE","Policies":{"PasswordPolicy":{"MinimumLength":12}},"LambdaConfig":{"CustomMessage":"`+foreign+`"}}`)
			if name == "left_out" {
				c.settings["Quantum"] = map[string]any{"Mode": "ON"}
			}
			c.onUpdate = tc.change
			var more []func(*changer)
			if tc.more != nil {
				more = append(more, tc.more)
			}
			_, err := c.run(t, attach(false), more...)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "--undo ") || !strings.Contains(err.Error(), "pool.json has all its settings") {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// A pool that is described late by Cognito is read until it is as it should be.
func TestVerifyWaits(t *testing.T) {
	t.Parallel()
	c := newCloud(t, `{}`)
	var late map[string]any
	c.onUpdate = func(s map[string]any) { late, s["LambdaConfig"] = object(s["LambdaConfig"]), map[string]any{} }
	c.onRead = func(s map[string]any) {
		if c.reads == 5 {
			s["LambdaConfig"] = late
		}
	}
	if out, err := c.run(t, attach(false)); err != nil || c.reads != 5 {
		t.Errorf("%d reads, %v\n%s", c.reads, err, out)
	}
}

// The former limit of a temporary password becomes the present one where Cognito wants it.
func TestFormerLimitIsPassedAsThePresentOne(t *testing.T) {
	t.Parallel()
	c := newCloud(t, `{"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":true,"UnusedAccountValidityDays":30},"Policies":{"PasswordPolicy":{"MinimumLength":8}}}`)
	c.wantsPresentLimit = true
	if out, err := c.run(t, attach(false)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := show(object(c.settings["Policies"])["PasswordPolicy"]); got != `{"MinimumLength":8,"TemporaryPasswordValidityDays":30}` {
		t.Errorf("the password policy is %s", got)
	}
}

// A replaced function is put back from the saved file, which only its owner can read.
func TestUndo(t *testing.T) {
	t.Parallel()
	c := newCloud(t, `{"LambdaConfig":{"PreSignUp":"`+foreign+`","CustomMessage":"`+foreign+`"}}`)
	before := clone(t, object(c.settings["LambdaConfig"]))
	var file string
	out, err := c.run(t, attach(true), func(c *changer) { file = c.file })
	if err != nil || !strings.Contains(out, "--undo "+file) || reflect.DeepEqual(before, c.settings["LambdaConfig"]) {
		t.Fatalf("attach: %v\n%s", err, out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	for _, other := range []struct{ id, region string }{{poolID + "2", "eu-central-1"}, {poolID, "eu-west-1"}} {
		if _, err := undoing(file, other.id, other.region, nil); err == nil {
			t.Errorf("%v: the file of another pool is taken", other)
		}
	}
	var asked []string
	may := func(answer bool, failure error) func(context.Context, string, string) (bool, error) {
		return func(_ context.Context, function, _ string) (bool, error) {
			asked = append(asked, function)
			return answer, failure
		}
	}
	plan, err := undoing(file, poolID, "eu-central-1", may(false, nil))
	if err != nil {
		t.Fatal(err)
	}
	changed := clone(t, object(c.settings["LambdaConfig"]))
	if _, err := c.run(t, plan); err == nil || !strings.Contains(err.Error(), "PreSignUp: "+foreign) || !reflect.DeepEqual(changed, object(c.settings["LambdaConfig"])) {
		t.Errorf("undo to a function that Cognito may not call: %v", err)
	}
	if want := []string{foreign}; !reflect.DeepEqual(asked, want) { // not about what the pool has already
		t.Errorf("asked about %v, want %v", asked, want)
	}
	if plan, err = undoing(file, poolID, "eu-central-1", may(false, errors.New("throttled"))); err != nil {
		t.Fatal(err)
	}
	if out, err := c.run(t, plan); err != nil {
		t.Fatalf("undo: %v\n%s", err, out)
	}
	if diff := cmp.Diff(before, object(c.settings["LambdaConfig"])); diff != "" {
		t.Errorf("triggers after undo (-want +got):\n%s", diff)
	}
	if out, err := c.run(t, plan); err != nil || !strings.Contains(out, "nothing to change") {
		t.Errorf("undo again: %v\n%s", err, out)
	}
}

func TestDetached(t *testing.T) {
	t.Parallel()
	other := strings.Replace(created, "gatehouse-dev-", "gatehouse-test-", 1)
	config := map[string]any{"LambdaArn": strings.Replace(guard, "signup-guard-presignup", "tokens-pretoken", 1), "LambdaVersion": "V2_0"}
	now := map[string]any{"PreSignUp": guard, "PostConfirmation": other, "CustomMessage": foreign, "PreTokenGenerationConfig": config, "KMSKeyID": "arn:aws:kms:eu-central-1:111122223333:key/a"}
	for name, tc := range map[string]struct {
		environment string
		names       []string
		want        string
	}{
		"all":         {"", nil, "CustomMessage KMSKeyID"},
		"environment": {"dev", nil, "CustomMessage KMSKeyID PostConfirmation"},
		"one":         {"", []string{"PreSignUp"}, "CustomMessage KMSKeyID PostConfirmation PreTokenGenerationConfig"},
		"foreign":     {"", []string{"CustomMessage"}, "CustomMessage KMSKeyID PostConfirmation PreSignUp PreTokenGenerationConfig"},
	} {
		if got := strings.Join(slices.Sorted(maps.Keys(detached(now, tc.environment, tc.names))), " "); got != tc.want {
			t.Errorf("%s: left are %s, want %s", name, got, tc.want)
		}
	}
	if len(now) != 5 {
		t.Errorf("what was read is changed: %v", now)
	}
}

func TestChosen(t *testing.T) {
	t.Parallel()
	if _, err := chosen([]string{"PreSignup"}); err == nil || !strings.Contains(err.Error(), "PreSignUp, PreAuthentication") {
		t.Errorf("a misspelt trigger: %v", err)
	}
	if got, err := chosen([]string{"PreSignUp"}); err != nil || fmt.Sprint(got) != "[{PreSignUp signup-guard presignup-arn false false}]" {
		t.Errorf("chosen %v, %v", got, err)
	}
	if got, err := chosen(nil); err != nil || len(got) != 4 || strings.Contains(fmt.Sprint(got), "CustomMessage") || strings.Contains(fmt.Sprint(got), "UserMigration") {
		t.Errorf("without a name: %v, %v", got, err)
	}
	if got, err := chosen([]string{"CustomMessage"}); err != nil || len(got) != 1 {
		t.Errorf("by its name: %v, %v", got, err)
	}
}

// TestMailsNeedASender: with Cognito's own sender, Cognito would refuse people.
func TestMailsNeedASender(t *testing.T) {
	t.Parallel()
	for settings, refused := range map[string]bool{
		`{}`: true, `{"EmailConfiguration":{}}`: true, `{"EmailConfiguration":{"EmailSendingAccount":"COGNITO_DEFAULT"}}`: true,
		`{"EmailConfiguration":{"EmailSendingAccount":"DEVELOPER"}}`: false,
	} {
		var p pool
		if err := json.Unmarshal([]byte(settings), &p.Settings); err != nil {
			t.Fatal(err)
		}
		if err := sends(p, []string{"PreSignUp", "CustomMessage"}); (err != nil) != refused {
			t.Errorf("%s: %v", settings, err)
		}
		if err := sends(p, []string{"PreSignUp"}); err != nil {
			t.Errorf("%s: PreSignUp: %v", settings, err)
		}
	}
}
