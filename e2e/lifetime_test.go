package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestTokenLifetimes compares the deployed clients for people with docs/tokens.md, and
// their tokens with the clients.
func TestTokenLifetimes(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, id := range map[string]string{"web": s.env["WEB_CLIENT_ID"], "native": s.env["NATIVE_CLIENT_ID"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := must(s.clients(t).cognito.DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{UserPoolId: s.pool(), ClientId: &id}))(t).UserPoolClient
			units := c.TokenValidityUnits
			if aws.ToInt32(c.IdTokenValidity) != 15 || units.IdToken != types.TimeUnitsTypeMinutes ||
				aws.ToInt32(c.AccessTokenValidity) != 15 || units.AccessToken != types.TimeUnitsTypeMinutes ||
				c.RefreshTokenValidity != 30 || units.RefreshToken != types.TimeUnitsTypeDays {
				t.Errorf("ID %d, access %d, refresh %d, units %+v", aws.ToInt32(c.IdTokenValidity), aws.ToInt32(c.AccessTokenValidity), c.RefreshTokenValidity, units)
			}
			if !aws.ToBool(c.EnableTokenRevocation) {
				t.Error("its tokens cannot be revoked")
			}
		})
	}
	held := s.member(t).tokens(t)
	for kind, token := range map[string]string{"ID": held.id, "access": held.access} {
		claims := parseToken(t, token).claims
		expires, _ := claims["exp"].(float64)
		issued, _ := claims["iat"].(float64)
		if life := time.Duration(expires-issued) * time.Second; life != 15*time.Minute {
			t.Errorf("the %s token lives %s", kind, life)
		}
	}
}
