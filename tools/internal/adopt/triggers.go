package adopt

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// trigger is one of Gatehouse's, and where its ARN is in SSM.
type trigger struct {
	name, service, parameter string
	// optional says that it is attached only where somebody names it.
	optional bool
	// mails says that it writes mails, for which Cognito needs a sender of the pool's own.
	mails bool
}

// ours are the triggers that the platform's template attaches.
var ours = []trigger{
	{name: "PreSignUp", service: "signup-guard", parameter: "presignup-arn"},
	{name: "PreAuthentication", service: "signin-audit", parameter: "preauthentication-arn"},
	{name: "PostAuthentication", service: "signin-audit", parameter: "postauthentication-arn"},
	{name: "PostConfirmation", service: "user-events", parameter: "postconfirmation-arn"},
	{name: "CustomMessage", service: "messages", parameter: "custommessage-arn", optional: true, mails: true},
	{name: "UserMigration", service: "migration", parameter: "usermigration-arn", optional: true},
	{name: "DefineAuthChallenge", service: "passwordless", parameter: "challenge-arn", optional: true},
	{name: "CreateAuthChallenge", service: "passwordless", parameter: "challenge-arn", optional: true},
	{name: "VerifyAuthChallengeResponse", service: "passwordless", parameter: "challenge-arn", optional: true},
}

// chosen are the triggers with these names, or all that every pool can have.
func chosen(names []string) ([]trigger, error) {
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(ours), func(t trigger) bool { return t.optional }), nil
	}
	var out []trigger
	for _, name := range names {
		i := slices.IndexFunc(ours, func(t trigger) bool { return t.name == name })
		if i < 0 {
			var all []string
			for _, t := range ours {
				all = append(all, t.name)
			}
			return nil, fmt.Errorf("no trigger %q; the triggers are %s", name, strings.Join(all, ", "))
		}
		out = append(out, ours[i])
	}
	return out, nil
}

// sends reports the triggers that the pool cannot have: with Cognito's own sender, Cognito
// refuses every request whose mail a trigger has written
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html).
func sends(p pool, names []string) error {
	sender, _ := p.Settings["EmailConfiguration"].(map[string]any)
	account, _ := sender["EmailSendingAccount"].(string)
	for _, t := range ours {
		if t.mails && slices.Contains(names, t.name) && account != "DEVELOPER" {
			return fmt.Errorf("nothing was changed: %s needs a pool that sends with SES (EmailSendingAccount DEVELOPER); with Cognito's own sender, Cognito would refuse every request that sends a mail", t.name)
		}
	}
	return nil
}

// functionARN is the function of a trigger, which is a text or a member of an object.
func functionARN(value any) string {
	if members, is := value.(map[string]any); is {
		value = members["LambdaArn"]
	}
	text, _ := value.(string)
	return text
}

// gatehouse finds the environment in the ARN of a function of Gatehouse, whose names are
// gatehouse-{environment}-{service}-{function}.
var gatehouse = regexp.MustCompile(`^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:gatehouse-(local|dev|test|production)-`)

// environmentOf is the environment that a trigger's function belongs to, or empty.
func environmentOf(value any) string {
	if m := gatehouse.FindStringSubmatch(functionARN(value)); m != nil {
		return m[1]
	}
	return ""
}

// attached are the present triggers with Gatehouse's functions added. It is an error if a
// trigger already has another function, unless that may be replaced.
func attached(now map[string]any, functions map[string]string, replace bool) (map[string]any, error) {
	out := cloned(now)
	var taken []string
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if other := functionARN(now[name]); other != "" && other != functions[name] && !replace {
			taken = append(taken, fmt.Sprintf("%s: %s", name, other))
		}
		out[name] = functions[name]
	}
	if len(taken) > 0 {
		return nil, fmt.Errorf("a pool calls one function per trigger, and other functions are attached already; nothing was changed. "+
			"--trigger attaches some triggers only, --replace replaces these functions:\n  %s", strings.Join(taken, "\n  "))
	}
	return out, nil
}

// detached are the present triggers without Gatehouse's functions, of one environment or
// of all. With names, only those triggers are detached.
func detached(now map[string]any, environment string, names []string) map[string]any {
	out := cloned(now)
	maps.DeleteFunc(out, func(name string, value any) bool {
		of := environmentOf(value)
		return of != "" && (environment == "" || of == environment) && (len(names) == 0 || slices.Contains(names, name))
	})
	return out
}

func cloned(triggers map[string]any) map[string]any {
	if triggers == nil {
		return map[string]any{}
	}
	return maps.Clone(triggers)
}
