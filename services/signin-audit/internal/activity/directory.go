package activity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/lambdakit/reason"
)

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
		return false, fmt.Errorf("cognito.AdminGetUser: %s", reason.Of(err))
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
			return false, fmt.Errorf("cognito.AdminListGroupsForUser: %s", reason.Of(err))
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
