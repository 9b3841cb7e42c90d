package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestPasswordless: if the pool has custom challenges, they are this service's, and somebody
// who does not exist gets a challenge that a wrong answer does not pass. What a mail contains
// only its reader can see.
func TestPasswordless(t *testing.T) {
	t.Parallel()
	e := here(t)
	function := e.of(t, "passwordless/challenge-arn")
	if !strings.HasSuffix(function, ":live") {
		t.Errorf("the trigger is %s, want an alias live", function)
	}
	pool, client := e.of(t, "platform/user-pool-id"), e.of(t, "platform/native-client-id")
	idp := cognito.NewFromConfig(e.cfg)
	out := must(idp.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool}))(t)
	c := out.UserPool.LambdaConfig
	if c == nil || aws.ToString(c.DefineAuthChallenge) == "" {
		return
	}
	attached := []string{aws.ToString(c.DefineAuthChallenge), aws.ToString(c.CreateAuthChallenge), aws.ToString(c.VerifyAuthChallengeResponse)}
	if slices.ContainsFunc(attached, func(arn string) bool { return arn != function }) {
		t.Errorf("the pool calls %v, and this service's trigger is %s", attached, function)
	}
	asked := must(idp.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "nobody@simulator.amazonses.com"},
	}))(t)
	if asked.ChallengeName != types.ChallengeNameTypeCustomChallenge || aws.ToString(asked.Session) == "" {
		t.Fatalf("challenge %q, want one for somebody who does not exist, too", asked.ChallengeName)
	}
	answered := must(idp.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
		ClientId: &client, ChallengeName: asked.ChallengeName, Session: asked.Session,
		ChallengeResponses: map[string]string{"USERNAME": "nobody@simulator.amazonses.com", "ANSWER": "00000000"},
	}))(t)
	if answered.AuthenticationResult != nil {
		t.Error("somebody who does not exist has signed in")
	}
}
