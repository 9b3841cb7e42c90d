// Package activity answers GET /activity, where people read their own rows of the
// audit table, and GET /activity/{sub}, where auditors read the rows of anybody.
//
// The authorizer of the REST API in services/api verifies the token. This package
// checks the rest: the kind of the token, its app client, and whether an auditor is
// still one, because a token keeps its groups until it expires.
package activity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/uuid"

	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/lambdakit/rest"
	"gatehouse.example/lambdakit/tracing"
)

// The two resources, as API Gateway names them.
const (
	routeOwn     = "/activity"
	routeAnybody = "/activity/{sub}"
)

// auditors is the group whose members may read everybody's rows.
const auditors = "auditors"

// timeout bounds all calls of one request. The function's own timeout is longer, so
// that the caller gets an answer of this function and not of the gateway.
const timeout = 6 * time.Second

// Parameters reads what the platform stack writes.
type Parameters interface {
	// Values are those of [ParameterNames].
	Values(context.Context) ([]string, error)
}

// ParameterNames are the names of the user pool and of the app clients for people.
func ParameterNames(environment string) []string {
	platform := "/gatehouse/" + environment + "/platform/"
	return []string{platform + "user-pool-id", platform + "web-client-id", platform + "native-client-id"}
}

// issuer is where people's tokens come from.
type issuer struct {
	pool    string
	clients []string
}

// issuers are the values that Cognito gives the claim iss in this pool's tokens: the
// original one, and the updated one that a pool with replicas in other regions has. Both
// name the pool's primary region, with which its id begins (IssuerConfigurationType in
// the API's model, botocore/data/cognito-idp/2016-04-18/service-2.json).
func (i issuer) issuers() []string {
	region, _, _ := strings.Cut(i.pool, "_")
	at := "." + region + ".amazonaws.com/" + i.pool
	return []string{"https://cognito-idp" + at, "https://issuer-cognito-idp" + at}
}

// Directory knows who is an auditor now.
type Directory interface {
	Member(ctx context.Context, pool, username, sub, group string) (bool, error)
}

// Rows reads the audit table.
type Rows interface {
	Read(ctx context.Context, sub string, q Query) (Page, error)
}

// Handler is the function.
type Handler struct {
	Platform  Parameters
	Directory Directory
	Rows      Rows
	Log       *slog.Logger
}

// Handle answers one request of API Gateway's proxy integration.
func (h *Handler) Handle(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var answer events.APIGatewayProxyResponse
	err := tracing.Run(ctx, "activity", func(ctx context.Context) error {
		tracing.Annotate(ctx, "route", r.Resource)
		answer = h.answer(ctx, r)
		if r.HTTPMethod == http.MethodHead {
			answer.Body = ""
		}
		tracing.Status(ctx, answer.StatusCode)
		return nil
	})
	return answer, err
}

func (h *Handler) answer(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	if r.Resource != routeOwn && r.Resource != routeAnybody {
		return rest.Refuse(ctx, http.StatusNotFound, "There is no such resource.")
	}
	if r.HTTPMethod != http.MethodGet && r.HTTPMethod != http.MethodHead {
		// A browser's OPTIONS goes to the API's own function.
		return rest.NotAllowed(ctx, http.MethodGet, http.MethodHead, http.MethodOptions)
	}
	platform, err := h.Platform.Values(ctx)
	if err != nil {
		return h.unavailable(ctx, err, "Your token could not be checked.")
	}
	from := issuer{pool: platform[0], clients: platform[1:]}
	claims := rest.ClaimsOf(r)
	user, err := claims.User(from.clients)
	if err == nil && !slices.Contains(from.issuers(), claims["iss"]) {
		err = rest.Refusal("The token was issued by another user pool.")
	}
	if err != nil {
		h.Log.WarnContext(ctx, "token refused", "route", r.Resource, "reason", err.Error(), "traceId", tracing.ID(ctx))
		return rest.Unauthorized(ctx, err)
	}
	tracing.Annotate(ctx, "client", user.ClientID)
	sub := user.Sub
	if r.Resource == routeAnybody {
		sub = r.PathParameters["sub"]
		if refusal := h.admit(ctx, from, user, claims, sub); refusal != nil {
			return *refusal
		}
	}
	return h.read(ctx, sub, r)
}

// admit returns nil for an auditor who asks for a person, and the answer for
// everybody else.
func (h *Handler) admit(ctx context.Context, from issuer, user rest.User, claims rest.Claims, sub string) *events.APIGatewayProxyResponse {
	refuse := func(answer events.APIGatewayProxyResponse) *events.APIGatewayProxyResponse { return &answer }
	if !user.In(auditors) {
		return refuse(rest.Refuse(ctx, http.StatusForbidden, "Only auditors read other people's activity."))
	}
	// Cognito writes a sub in lower case, and so do the keys of the table.
	if id, err := uuid.Parse(sub); err != nil || id.String() != sub {
		return refuse(rest.Refuse(ctx, http.StatusBadRequest, "The path takes the sub of a person, a UUID in lower case."))
	}
	member, err := h.Directory.Member(ctx, from.pool, claims["cognito:username"], user.Sub, auditors)
	switch {
	case err != nil:
		return refuse(h.unavailable(ctx, err, "Whether you are an auditor could not be checked."))
	case !member:
		h.Log.WarnContext(ctx, "refused a former auditor", "auditor", user.Sub, "traceId", tracing.ID(ctx))
		return refuse(rest.Refuse(ctx, http.StatusForbidden, "You are no longer an auditor, although your token still says so."))
	}
	h.Log.InfoContext(ctx, "an auditor reads the activity of a person", "auditor", user.Sub, "person", sub, "traceId", tracing.ID(ctx))
	return nil
}

func (h *Handler) read(ctx context.Context, sub string, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	q, err := parse(r)
	if err != nil {
		return rest.Refuse(ctx, http.StatusBadRequest, err.Error())
	}
	page, err := h.Rows.Read(ctx, sub, q)
	if err != nil {
		return h.unavailable(ctx, err, "The activity could not be read.")
	}
	return rest.JSON(ctx, page)
}

// unavailable is the answer when a call to another service failed. Another attempt
// may succeed.
func (h *Handler) unavailable(ctx context.Context, err error, detail string) events.APIGatewayProxyResponse {
	h.Log.ErrorContext(ctx, "request not answered", "error", err.Error(), "traceId", tracing.ID(ctx))
	tracing.Fail(ctx, err)
	answer := rest.Refuse(ctx, http.StatusServiceUnavailable, detail+" Please try again.")
	answer.Headers["Retry-After"] = "5"
	return answer
}

// Cognito is what Users needs of the service: the role may do nothing else.
type Cognito interface {
	AdminGetUser(context.Context, *cognito.AdminGetUserInput, ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error)
	AdminListGroupsForUser(context.Context, *cognito.AdminListGroupsForUserInput, ...func(*cognito.Options)) (*cognito.AdminListGroupsForUserOutput, error)
}

// Users asks the user pool, because a token does not change when its owner is
// disabled, deleted or removed from a group.
type Users struct{ Client Cognito }

// Member reports whether the user exists, is enabled, is still the person whose sub
// the token has, and is in the group.
func (u *Users) Member(ctx context.Context, pool, username, sub, group string) (bool, error) {
	if username == "" {
		return false, nil
	}
	user, err := u.Client.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &pool, Username: &username})
	var gone *types.UserNotFoundException
	switch {
	case errors.As(err, &gone):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("cognito.AdminGetUser: %w", reason.Safe(err))
	case !user.Enabled || !hasSub(user.UserAttributes, sub):
		// A name can be used again, by another person.
		return false, nil
	}
	return u.in(ctx, pool, username, group)
}

func (u *Users) in(ctx context.Context, pool, username, group string) (bool, error) {
	pages := cognito.NewAdminListGroupsForUserPaginator(u.Client, &cognito.AdminListGroupsForUserInput{UserPoolId: &pool, Username: &username})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var gone *types.UserNotFoundException
		if errors.As(err, &gone) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("cognito.AdminListGroupsForUser: %w", reason.Safe(err))
		}
		if slices.ContainsFunc(page.Groups, func(g types.GroupType) bool { return aws.ToString(g.GroupName) == group }) {
			return true, nil
		}
	}
	return false, nil
}

func hasSub(attributes []types.AttributeType, sub string) bool {
	return slices.ContainsFunc(attributes, func(a types.AttributeType) bool {
		return aws.ToString(a.Name) == "sub" && aws.ToString(a.Value) == sub
	})
}
