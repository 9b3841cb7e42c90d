package edge

// Gap: the emulator runs a trigger whether or not its function lets Cognito in. On
// AWS a missing permission fails the call. Delete this file when the emulator asks
// the function's policy itself.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

const cognitoService = "cognito-idp.amazonaws.com"

// allowed asks the policy of the trigger's function whether Cognito may call it for
// this pool.
func (t *triggers) allowed(ctx context.Context, p pool, trigger string) error {
	arn := p.function(trigger)
	if arn == "" {
		return nil
	}
	document, err := t.policy(ctx, arn)
	if err != nil {
		var api *apiError
		missing := errors.As(err, &api) && api.Code == "ResourceNotFoundException"
		switch {
		case missing && strings.HasPrefix(api.Message, "Function not found"):
			return notInvoked(trigger, "ResourceNotFoundException")
		case !missing:
			t.log.WarnContext(ctx, "policy not read", "trigger", trigger, "error", err.Error())
		}
		return notInvoked(trigger, "AccessDeniedException")
	}
	if !policyAllows(document, arn, p.ARN) {
		return notInvoked(trigger, "AccessDeniedException")
	}
	return nil
}

// policy reads the resource policy of the function, or of the alias that arn names.
func (t *triggers) policy(ctx context.Context, arn string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, factLimit)
	defer cancel()
	name, qualifier := arn, ""
	if parts := strings.Split(arn, ":"); len(parts) == 8 {
		name, qualifier = strings.Join(parts[:7], ":"), "?Qualifier="+url.QueryEscape(parts[7])
	}
	res, err := t.up.send(ctx, "lambda", http.MethodGet,
		"/2015-03-31/functions/"+url.PathEscape(name)+"/policy"+qualifier, nil, nil)
	if err != nil {
		return "", fmt.Errorf("GetPolicy: %w", err)
	}
	if res.status != http.StatusOK {
		return "", readError(res)
	}
	var out struct{ Policy string }
	if err := json.Unmarshal(res.body, &out); err != nil {
		return "", fmt.Errorf("GetPolicy: %w", err)
	}
	return out.Policy, nil
}

type statement struct {
	Effect    string
	Principal json.RawMessage
	Action    oneOrMany
	Resource  oneOrMany
	Condition map[string]map[string]oneOrMany
}

// oneOrMany reads the lists of a policy, which may be a single string.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(o))
}

// policyAllows evaluates a function policy for a call of Cognito on behalf of a
// pool. An explicit deny wins; what it cannot evaluate does not match.
func policyAllows(document, functionARN, poolARN string) bool {
	var doc struct{ Statement []statement }
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		return false
	}
	allowed := false
	for _, s := range doc.Statement {
		if !s.matches(functionARN, poolARN) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed
}

func (s statement) matches(functionARN, poolARN string) bool {
	if !admitsCognito(s.Principal) || !s.Action.any("lambda:InvokeFunction", true) || !s.Resource.any(functionARN, false) {
		return false
	}
	account := ""
	if parts := strings.Split(poolARN, ":"); len(parts) > 5 {
		account = parts[4]
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			var actual string
			switch strings.ToLower(key) {
			case "aws:sourcearn":
				actual = poolARN
			case "aws:sourceaccount":
				actual = account
			default:
				return false // such as lambda:EventSourceToken, which Cognito never sends
			}
			if !conditionHolds(operator, actual, values) {
				return false
			}
		}
	}
	return true
}

func conditionHolds(operator, actual string, values oneOrMany) bool {
	switch strings.TrimSuffix(operator, "IfExists") {
	case "StringEquals":
		for _, v := range values {
			if v == actual {
				return true
			}
		}
		return false
	case "StringEqualsIgnoreCase":
		for _, v := range values {
			if strings.EqualFold(v, actual) {
				return true
			}
		}
		return false
	case "StringLike", "ArnLike", "ArnEquals": // ArnEquals matches wildcards too, as on AWS
		return values.any(actual, false)
	default:
		return false
	}
}

// any matches s against patterns with * and ?.
func (o oneOrMany) any(s string, fold bool) bool {
	if fold {
		s = strings.ToLower(s)
	}
	for _, pattern := range o {
		if fold {
			pattern = strings.ToLower(pattern)
		}
		if wildcard(pattern, s) {
			return true
		}
	}
	return false
}

// wildcard borrows path.Match, whose * stops at a slash where AWS's does not.
func wildcard(pattern, s string) bool {
	hide := strings.NewReplacer("/", "\x00", `\`, `\\`, "[", `\[`)
	ok, err := path.Match(hide.Replace(pattern), strings.ReplaceAll(s, "/", "\x00"))
	return err == nil && ok
}

func admitsCognito(principal json.RawMessage) bool {
	var any string
	if json.Unmarshal(principal, &any) == nil {
		return any == "*"
	}
	var by struct{ Service oneOrMany }
	if json.Unmarshal(principal, &by) != nil {
		return false
	}
	return by.Service.any(cognitoService, false)
}
