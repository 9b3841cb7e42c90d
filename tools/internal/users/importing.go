package users

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// pool is what the commands need of Cognito.
type pool interface {
	AdminCreateUser(context.Context, *cognito.AdminCreateUserInput, ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error)
	AdminSetUserPassword(context.Context, *cognito.AdminSetUserPasswordInput, ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error)
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error)
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// table is what the commands need of DynamoDB.
type table interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// taker takes one person. It reports false for one that was there already. If half is set,
// that may be because the last run ended between two calls, and the second is made again.
type taker func(ctx context.Context, p Person, half bool) (bool, error)

// intoPool creates a user with a password that nobody knows. Of an invited user, Cognito
// would refuse to send a code for a forgotten password; a confirmed one with a verified
// address gets it.
func intoPool(c pool, id string) taker {
	return func(ctx context.Context, p Person, half bool) (bool, error) {
		address := normal(p.Address)
		attributes := []types.AttributeType{{Name: aws.String("email"), Value: &address}, {Name: aws.String("email_verified"), Value: aws.String("true")}}
		for _, name := range slices.Sorted(maps.Keys(p.Attributes)) {
			attributes = append(attributes, types.AttributeType{Name: aws.String(name), Value: aws.String(p.Attributes[name])})
		}
		_, err := c.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
			UserPoolId: &id, Username: &address, UserAttributes: attributes, MessageAction: types.MessageActionTypeSuppress,
		})
		var exists *types.UsernameExistsException
		if errors.As(err, &exists) && !half {
			return false, nil
		}
		if err != nil && exists == nil {
			return false, failure("AdminCreateUser", err)
		}
		// Every pool's policy is met: it is long, and has all kinds of characters.
		_, err = c.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
			UserPoolId: &id, Username: &address, Password: aws.String(rand.Text() + "aA1!"), Permanent: true,
		})
		if err != nil {
			return false, failure("AdminSetUserPassword", err)
		}
		return true, nil
	}
}

// intoTable writes the row that services/migration reads.
func intoTable(c table, name string) taker {
	return func(ctx context.Context, p Person, _ bool) (bool, error) {
		attributes := map[string]dynamo.AttributeValue{}
		for name, value := range p.Attributes {
			attributes[name] = &dynamo.AttributeValueMemberS{Value: value}
		}
		_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: &name, Item: map[string]dynamo.AttributeValue{
			"key": &dynamo.AttributeValueMemberS{Value: "user#" + normal(p.Address)}, "hash": &dynamo.AttributeValueMemberS{Value: p.Hash},
			"verified": &dynamo.AttributeValueMemberBOOL{Value: p.Verified}, "attributes": &dynamo.AttributeValueMemberM{Value: attributes},
		}})
		if err != nil {
			return false, failure("PutItem", err)
		}
		return true, nil
	}
}

// failure names the error without its text: AWS's can quote an attribute.
func failure(call string, err error) error {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return fmt.Errorf("%s: %s", call, coded.ErrorCode())
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return fmt.Errorf("%s: %T", call, err)
}

// progress is the file that an interrupted import continues from. It has no address: the
// people of a file are taken in its order.
type progress struct {
	File  string `json:"file"` // its hash
	Into  string `json:"into"`
	Lines int    `json:"lines"` // people that were taken

	continued bool
}

// errOther is the error of a state that is of something else.
var errOther = errors.New("the state is of another file, or of another place; delete it to begin again")

func loadProgress(state, file, into string) (progress, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return progress{}, fmt.Errorf("os.ReadFile: %w", err)
	}
	sum := sha256.Sum256(raw)
	now := progress{File: hex.EncodeToString(sum[:]), Into: into}
	before, err := os.ReadFile(state)
	if errors.Is(err, os.ErrNotExist) {
		return now, nil
	}
	var then progress
	if err != nil || json.Unmarshal(before, &then) != nil || then.File != now.File || then.Into != now.Into || then.Lines < 0 {
		return progress{}, errOther
	}
	then.continued = true
	return then, nil
}

func (p progress) save(state string) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	// A half-written state would be of another file.
	if err := os.WriteFile(state+".new", append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	if err := os.Rename(state+".new", state); err != nil {
		return fmt.Errorf("os.Rename: %w", err)
	}
	return nil
}

// counted is what an import has done.
type counted struct{ taken, were int }

// run takes the people that the state does not have, one after the other, with a pause
// between them that keeps Cognito's quota. It stops at the first error: the next run
// continues there.
func run(ctx context.Context, people []Person, take taker, at progress, state string, pause time.Duration) (counted, error) {
	var n counted
	if at.Lines > len(people) {
		return n, errOther
	}
	if err := at.save(state); err != nil {
		return n, err
	}
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	for i, p := range people[at.Lines:] {
		taken, err := take(ctx, p, i == 0 && at.continued)
		if err != nil {
			return n, fmt.Errorf("line %d: %w; the same command continues here", p.line, err)
		}
		if taken {
			n.taken++
		} else {
			n.were++
		}
		at.Lines++
		if err := at.save(state); err != nil {
			return n, err
		}
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case <-ticks.C:
		}
	}
	return n, nil
}

func (n counted) print(w io.Writer, into string) {
	fmt.Fprintf(w, "%d people are in %s now, %d were before\n", n.taken, into, n.were)
}
