package usermigration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/migration/phc"
)

// The attributes of a row of an imported person. `gatehouse users import-hashes` writes them.
const (
	// KeyAttribute is user# and the address in lower case.
	KeyAttribute      = "key"
	HashAttribute     = "hash"
	VerifiedAttribute = "verified"
	PersonAttribute   = "attributes"

	userPrefix = "user#"
)

// tableTimeout bounds one call of DynamoDB.
const tableTimeout = 800 * time.Millisecond

// Getter is what Table needs of DynamoDB.
type Getter interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Table finds the people in a table of imported hashes.
type Table struct {
	DynamoDB Getter
	Name     string
}

// errRow is the error of a row that an import cannot have written.
var errRow = errors.New("usermigration: the row of a person is malformed")

// dummy is compared where there is no hash, so that an unknown address costs a comparison,
// too. The floor of the handler hides what remains of the difference.
const dummy = "$argon2id$v=19$m=19456,t=2,p=1$Z2F0ZWhvdXNlLWR1bW15$Z2F0ZWhvdXNlLWR1bW15LWdhdGVob3VzZS1kdW1teQ"

// SignIn returns the person with this address and password.
func (t *Table) SignIn(ctx context.Context, address, password string) (Person, error) {
	p, stored, err := t.row(ctx, address)
	if errors.Is(err, ErrRefused) {
		stored, p = dummy, Person{}
	} else if err != nil {
		return Person{}, err
	}
	hash, err := phc.Parse(stored)
	if err != nil {
		return Person{}, err
	}
	if !hash.Matches(password) || stored == dummy {
		return Person{}, ErrRefused
	}
	return p, nil
}

// Find returns the person with this address.
func (t *Table) Find(ctx context.Context, address string) (Person, error) {
	p, _, err := t.row(ctx, address)
	return p, err
}

func (t *Table) row(ctx context.Context, address string) (p Person, hash string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	out, err := t.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.Name, Key: map[string]types.AttributeValue{KeyAttribute: &types.AttributeValueMemberS{Value: userPrefix + address}},
		ConsistentRead: aws.Bool(false),
	})
	if err != nil {
		return Person{}, "", fmt.Errorf("dynamodb.GetItem: %w", reason.Safe(err))
	}
	if len(out.Item) == 0 {
		return Person{}, "", ErrRefused
	}
	stored, is := out.Item[HashAttribute].(*types.AttributeValueMemberS)
	if !is {
		return Person{}, "", errRow
	}
	p.Attributes = map[string]string{}
	if given, is := out.Item[PersonAttribute].(*types.AttributeValueMemberM); is {
		for name, value := range given.Value {
			text, is := value.(*types.AttributeValueMemberS)
			if !is {
				return Person{}, "", errRow
			}
			p.Attributes[name] = text.Value
		}
	}
	verified, is := out.Item[VerifiedAttribute].(*types.AttributeValueMemberBOOL)
	p.Verified = is && verified.Value
	return p, stored.Value, nil
}
