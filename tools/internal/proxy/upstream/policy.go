package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// ask is one question to the policy of a resource: may this service do that with
// it, on behalf of what the keys name? The keys are written in lower case.
type ask struct {
	service, action, resource string
	keys                      map[string]string
}

// allowedBy evaluates a policy. An explicit deny wins; what it cannot evaluate does
// not match.
func (a ask) allowedBy(document string) bool {
	var doc struct{ Statement []statement }
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		return false
	}
	allowed := false
	for _, s := range doc.Statement {
		if !s.matches(a) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed
}

func (s statement) matches(a ask) bool {
	if !s.admits(a.service) || !s.Action.any(a.action, true) || !s.Resource.any(a.resource, false) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			actual, known := a.keys[strings.ToLower(key)]
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

// functionPolicy reads the resource policy of the function, or of the alias that arn names.
func (u *upstream) functionPolicy(ctx context.Context, arn string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, factLimit)
	defer cancel()
	name, qualifier := arn, ""
	if parts := strings.Split(arn, ":"); len(parts) == 8 {
		name, qualifier = strings.Join(parts[:7], ":"), "?Qualifier="+url.QueryEscape(parts[7])
	}
	res, err := u.send(ctx, "lambda", http.MethodGet,
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
