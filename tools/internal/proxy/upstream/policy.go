package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Question is one question to the policy of a resource: may this service do this
// with it, on behalf of what the keys name? The keys are written in lower case.
type Question struct {
	Service, Action, Resource string
	Keys                      map[string]string
}

// AllowedBy evaluates a policy. An explicit deny wins; what it cannot evaluate does
// not match.
func (q Question) AllowedBy(document string) bool {
	var doc struct{ Statement []statement }
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		return false
	}
	allowed := false
	for _, s := range doc.Statement {
		if !s.matches(q) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed
}

func (s statement) matches(q Question) bool {
	if !s.admits(q.Service) || !s.Action.any(q.Action, true) || !s.Resource.any(q.Resource, false) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			actual, known := q.Keys[strings.ToLower(key)]
			if !known || !conditionHolds(operator, actual, values) {
				return false // a key that is unknown here, such as lambda:EventSourceToken, is one that the service never sends
			}
		}
	}
	return true
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

func (s statement) admits(service string) bool {
	var any string
	if json.Unmarshal(s.Principal, &any) == nil {
		return any == "*"
	}
	var by struct{ Service oneOrMany }
	if json.Unmarshal(s.Principal, &by) != nil {
		return false
	}
	return by.Service.any(service, false)
}

// MayInvoke asks the policy of a function whether a service may call it on behalf of
// the resource with this ARN.
func MayInvoke(policy, service, function, source string) bool {
	return Question{
		Service: service, Action: "lambda:InvokeFunction", Resource: function,
		Keys: map[string]string{"aws:sourcearn": source, "aws:sourceaccount": Account(source)},
	}.AllowedBy(policy)
}

// Account is the account in an ARN.
func Account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}

// FunctionPolicy reads the resource policy of the function, or of the alias that arn names.
func (c *Client) FunctionPolicy(ctx context.Context, arn string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	name, qualifier := arn, ""
	if parts := strings.Split(arn, ":"); len(parts) == 8 {
		name, qualifier = strings.Join(parts[:7], ":"), "?Qualifier="+url.QueryEscape(parts[7])
	}
	res, err := c.Send(ctx, "lambda", http.MethodGet,
		"/2015-03-31/functions/"+url.PathEscape(name)+"/policy"+qualifier, nil, nil)
	if err != nil {
		return "", fmt.Errorf("GetPolicy: %w", err)
	}
	if res.Status != http.StatusOK {
		return "", res.Err()
	}
	var out struct{ Policy string }
	if err := json.Unmarshal(res.Body, &out); err != nil {
		return "", fmt.Errorf("GetPolicy: %w", err)
	}
	return out.Policy, nil
}
