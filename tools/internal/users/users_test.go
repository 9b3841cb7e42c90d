package users

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

func now() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }

// pools is Cognito.
type pools struct {
	users     map[string][]types.UserType
	passwords map[string]string
	// failAt is the number of the call that fails.
	failAt, calls int
}

var errThrottled = &types.TooManyRequestsException{Message: aws.String("ada@example.org")}

func (p *pools) call() error {
	if p.calls++; p.calls == p.failAt {
		return errThrottled
	}
	return nil
}

func (p *pools) AdminCreateUser(_ context.Context, in *cognito.AdminCreateUserInput, _ ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error) {
	if err := p.call(); err != nil {
		return nil, err
	}
	for _, u := range p.users[*in.UserPoolId] {
		if export(u).Address == *in.Username {
			return nil, &types.UsernameExistsException{}
		}
	}
	if in.MessageAction != types.MessageActionTypeSuppress {
		return nil, errors.New("the user gets a mail")
	}
	at := now()
	p.users[*in.UserPoolId] = append(p.users[*in.UserPoolId], types.UserType{Username: in.Username, Attributes: in.UserAttributes, UserStatus: "FORCE_CHANGE_PASSWORD", UserCreateDate: &at, UserLastModifiedDate: &at})
	return &cognito.AdminCreateUserOutput{}, nil
}

func (p *pools) AdminSetUserPassword(_ context.Context, in *cognito.AdminSetUserPasswordInput, _ ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error) {
	if err := p.call(); err != nil {
		return nil, err
	}
	for i, u := range p.users[*in.UserPoolId] {
		if export(u).Address == *in.Username && in.Permanent {
			p.users[*in.UserPoolId][i].UserStatus = types.UserStatusTypeConfirmed
			p.passwords[*in.Username] = *in.Password
		}
	}
	return &cognito.AdminSetUserPasswordOutput{}, nil
}

func (p *pools) DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error) {
	return &cognito.DescribeUserPoolOutput{UserPool: &types.UserPoolType{SchemaAttributes: schema()}}, nil
}

// ListUsers answers two at a time.
func (p *pools) ListUsers(_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	all, from := p.users[*in.UserPoolId], 0
	if in.PaginationToken != nil {
		_, _ = fmt.Sscan(*in.PaginationToken, &from)
	}
	out := &cognito.ListUsersOutput{Users: all[from:min(from+2, len(all))]}
	if from+2 < len(all) {
		out.PaginationToken = aws.String(fmt.Sprint(from + 2))
	}
	return out, nil
}

func schema() []types.SchemaAttributeType {
	return []types.SchemaAttributeType{
		{Name: aws.String("sub"), Required: aws.Bool(true)}, {Name: aws.String("email"), Required: aws.Bool(true)},
		{Name: aws.String("name"), AttributeDataType: types.AttributeDataTypeString, StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: aws.String("0"), MaxLength: aws.String("10")}},
		{Name: aws.String("custom:n"), AttributeDataType: types.AttributeDataTypeNumber}, {Name: aws.String("custom:b"), AttributeDataType: types.AttributeDataTypeBoolean},
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRead: CSV and JSON lines say the same.
func TestRead(t *testing.T) {
	t.Parallel()
	want := []Person{
		{Address: "Ada@Example.org", Verified: true, Hash: hash, Attributes: map[string]string{"name": "Ada, L"}},
		{Address: "grace@example.org", Attributes: map[string]string{}},
	}
	for name, text := range map[string]string{
		"p.csv":   "\ufeffemail,email_verified,hash,name\nAda@Example.org,TRUE,\"" + hash + "\",\"Ada, L\"\ngrace@example.org,false,,\n",
		"p.jsonl": `{"address":"Ada@Example.org","emailVerified":true,"hash":"` + hash + `","attributes":{"name":"Ada, L"}}` + "\n\n" + `{"address":"grace@example.org","attributes":{}}`,
	} {
		people, problems, err := readPeople(write(t, name, text))
		if err != nil || len(problems) != 0 {
			t.Errorf("%s: %v, %v", name, problems, err)
		}
		if diff := cmp.Diff(want, people, cmpopts.IgnoreUnexported(Person{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, text := range map[string]string{"no_header.csv": "", "no_email.csv": "name\nx\n", "latin.csv": "email\n\xe4@example.org\n"} {
		if _, _, err := readPeople(write(t, name, text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// TestCheck: everything is found before anything is imported, and no value is printed.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, want string
		hashes     bool
	}{
		"fine":          {`{"address":"a@b.example","emailVerified":true,"attributes":{"name":"Ada","custom:n":"5","custom:b":"true"}}`, "", false},
		"fine_hash":     {`{"address":"a@b.example","hash":"` + hash + `"}`, "", true},
		"not_json":      {"secret", "1: not a JSON object", false},
		"two_objects":   {`{"address":"a@b.example"}{}`, "1: not a JSON object", false},
		"unknown_field": {`{"address":"a@b.example","password":"secret"}`, "1: not a JSON object", false},
		"number":        {`{"address":"a@b.example","attributes":{"name":5}}`, "1: not a JSON object", false},
		"malformed":     {`{"address":"secret","emailVerified":true}`, "1: the address is malformed", false},
		"with_a_name":   {`{"address":"Secret <a@b.example>","emailVerified":true}`, "1: the address is malformed", false},
		"twice":         {`{"address":"a@b.example","emailVerified":true}` + "\n" + `{"address":"A@B.example ","emailVerified":true}`, "2: the same address as in line 1", false},
		"unverified":    {`{"address":"a@b.example"}`, "1: the address is not verified", false},
		"hash_for_pool": {`{"address":"a@b.example","emailVerified":true,"hash":"secret"}`, "1: a hash, which a pool does not take", false},
		"no_hash":       {`{"address":"a@b.example"}`, "1: no hash", true},
		"bad_hash":      {`{"address":"a@b.example","hash":"$1$secret$x"}`, "1: phc: not a hash", true},
		"dear_hash":     {`{"address":"a@b.example","hash":"$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"}`, "1: phc: the parameters", true},
		"attribute":     {`{"address":"a@b.example","emailVerified":true,"attributes":{"custom:x":"secret"}}`, "1: custom:x: the pool has no such attribute", false},
		"sub":           {`{"address":"a@b.example","emailVerified":true,"attributes":{"sub":"secret"}}`, "1: sub: this attribute cannot be imported", false},
		"long":          {`{"address":"a@b.example","emailVerified":true,"attributes":{"name":"secret secret"}}`, "1: name: its length", false},
		"not_a_number":  {`{"address":"a@b.example","emailVerified":true,"attributes":{"custom:n":"secret"}}`, "1: custom:n: not a number", false},
		"not_a_boolean": {`{"address":"a@b.example","emailVerified":true,"attributes":{"custom:b":"secret"}}`, "1: custom:b: neither", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			people, problems, err := readPeople(write(t, "p.jsonl", tc.text))
			if err != nil {
				t.Fatal(err)
			}
			of := schema()
			if tc.hashes {
				of = nil
			}
			var out bytes.Buffer
			err = report(&out, "p.jsonl", append(problems, check(people, of, tc.hashes)...))
			if (err == nil) != (tc.want == "") || !strings.Contains(out.String(), tc.want) || strings.Contains(strings.ToLower(out.String()), "secret") {
				t.Errorf("%v, %s; want %s", err, &out, tc.want)
			}
		})
	}
}

func persons(n int) (out []Person) {
	for i := range n {
		out = append(out, Person{Address: fmt.Sprintf("p%d@example.org", i), Verified: true, line: i + 1})
	}
	return out
}

// TestImportContinues: wherever an import is interrupted, the next one ends with every
// person once, and each with a password.
func TestImportContinues(t *testing.T) {
	t.Parallel()
	const n = 3
	for failAt := range 2*n + 2 {
		c := &pools{users: map[string][]types.UserType{}, passwords: map[string]string{}, failAt: failAt}
		file := write(t, "p.jsonl", "the same")
		state := file + ".state"
		import1 := func() error {
			at, err := loadProgress(state, file, "pool")
			if err != nil {
				return err
			}
			_, err = run(t.Context(), persons(n), intoPool(c, "pool"), at, state, time.Microsecond)
			return err
		}
		if err := import1(); (err != nil) != (failAt >= 1 && failAt <= 2*n) || err != nil && strings.Contains(err.Error(), "@") {
			t.Errorf("failure at call %d: %v", failAt, err)
		}
		if err := import1(); err != nil {
			t.Errorf("failure at call %d, again: %v", failAt, err)
		}
		if len(c.users["pool"]) != n || len(c.passwords) != n {
			t.Errorf("failure at call %d: %d users, %d passwords", failAt, len(c.users["pool"]), len(c.passwords))
		}
	}
}

func TestStateOfAnotherFile(t *testing.T) {
	t.Parallel()
	file, other := write(t, "a", "a"), write(t, "b", "b")
	at, err := loadProgress(file+".state", file, "pool")
	if err != nil {
		t.Fatal(err)
	}
	if err := at.save(file + ".state"); err != nil {
		t.Fatal(err)
	}
	for _, of := range [][2]string{{other, "pool"}, {file, "other"}} {
		if _, err := loadProgress(file+".state", of[0], of[1]); !errors.Is(err, errOther) {
			t.Errorf("%v: %v", of, err)
		}
	}
	if again, err := loadProgress(file+".state", file, "pool"); err != nil || !again.continued {
		t.Errorf("%+v, %v", again, err)
	}
}

type rows struct {
	items []map[string]dynamo.AttributeValue
}

func (r *rows) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	r.items = append(r.items, in.Item)
	return &dynamodb.PutItemOutput{}, nil
}

func TestIntoTable(t *testing.T) {
	t.Parallel()
	r := &rows{}
	if _, err := intoTable(r, "t")(t.Context(), Person{Address: "Ada@Example.org", Verified: true, Hash: hash, Attributes: map[string]string{"name": "Ada"}}, false); err != nil {
		t.Fatal(err)
	}
	want := []map[string]dynamo.AttributeValue{{
		"key": &dynamo.AttributeValueMemberS{Value: "user#ada@example.org"}, "hash": &dynamo.AttributeValueMemberS{Value: hash}, "verified": &dynamo.AttributeValueMemberBOOL{Value: true},
		"attributes": &dynamo.AttributeValueMemberM{Value: map[string]dynamo.AttributeValue{"name": &dynamo.AttributeValueMemberS{Value: "Ada"}}},
	}}
	if diff := cmp.Diff(want, r.items, cmpopts.IgnoreUnexported(dynamo.AttributeValueMemberS{}, dynamo.AttributeValueMemberBOOL{}, dynamo.AttributeValueMemberM{})); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func user(address string, status types.UserStatusType, created, modified time.Time) types.UserType {
	return types.UserType{UserStatus: status, UserCreateDate: &created, UserLastModifiedDate: &modified, Enabled: true, Attributes: []types.AttributeType{
		{Name: aws.String("sub"), Value: aws.String("s-" + address)}, {Name: aws.String("email"), Value: aws.String(address)},
		{Name: aws.String("email_verified"), Value: aws.String("true")}, {Name: aws.String("name"), Value: aws.String("Ada")},
		{Name: aws.String("identities"), Value: aws.String("[]")},
	}}
}

// TestExport: a backup can be read by import, and an existing file stays.
func TestExport(t *testing.T) {
	t.Parallel()
	c := &pools{users: map[string][]types.UserType{"p": {user("a@b.example", "CONFIRMED", now(), now()), user("b@b.example", "CONFIRMED", now(), now()), user("c@b.example", "CONFIRMED", now(), now())}}}
	file := filepath.Join(t.TempDir(), "users.jsonl")
	n, err := exportTo(t.Context(), c, "p", file, time.Microsecond)
	if err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	if want := `{"address":"a@b.example","emailVerified":true,"attributes":{"name":"Ada"},"sub":"s-a@b.example","status":"CONFIRMED","enabled":true,"created":"2026-11-30T09:00:00Z","modified":"2026-11-30T09:00:00Z"}`; first != want {
		t.Errorf("line %s, want %s", first, want)
	}
	if people, problems, err := readPeople(file); err != nil || len(problems) != 0 || len(people) != 3 {
		t.Errorf("read again: %d people, %v, %v", len(people), problems, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := exportTo(t.Context(), c, "p", file, time.Microsecond); err == nil {
		t.Error("an existing file is overwritten")
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	ago := func(counts ...int) (out []time.Time) { // in each week before now
		for week, n := range counts {
			for range n {
				out = append(out, now().Add(-time.Duration(7*24*week+24)*time.Hour))
			}
		}
		return out
	}
	for name, tc := range map[string]struct {
		a    arrivals
		want string
	}{
		"half_each_week": {arrivals{1000, ago(40, 80, 160)}, "280 of 1000 people are in (28.0 %); 40 came in the last seven days, 80 in the seven before\nAbout 40 more are going to come. From 2027-01-11 on"},
		"not_fewer":      {arrivals{1000, ago(80, 80)}, "There is no forecast"},
		"new":            {arrivals{1000, ago(5)}, "There is no forecast"},
		"nobody":         {arrivals{1000, nil}, "There is no forecast"},
		"silence":        {arrivals{10, ago(0, 3)}, "About 0 more are going to come. From 2026-11-30 on"},
		"everybody":      {arrivals{2, ago(1, 1)}, "Everybody is in: the trigger can go."},
		"no_list":        {arrivals{}, "Everybody is in"},
		"few_missing":    {arrivals{130, ago(40, 80)}, "About 10 more are going to come."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			forecast(tc.a, now()).print(&out)
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("%s\nwant %s", &out, tc.want)
			}
		})
	}
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	c := &pools{users: map[string][]types.UserType{"p": {user("P0@example.org", "CONFIRMED", now(), now()), user("x@example.org", "CONFIRMED", now(), now()), user("p2@example.org", "CONFIRMED", now(), now())}}}
	a, err := arrivalsOf(t.Context(), c, "p", append(persons(3), persons(3)...), time.Microsecond)
	if err != nil || a.people != 3 || len(a.came) != 2 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	later := now().Add(time.Hour)
	unverified := user("u@example.org", "CONFIRMED", now(), now())
	unverified.Attributes = unverified.Attributes[:2]
	c := &pools{users: map[string][]types.UserType{
		"old": {user("asleep@example.org", "CONFIRMED", now(), now()), user("Awake@example.org", "CONFIRMED", now(), now()), user("half@example.org", "CONFIRMED", now(), now()), user("new@example.org", "CONFIRMED", now(), now()), unverified},
		"new": {user("asleep@example.org", "CONFIRMED", now(), now()), user("awake@example.org", "CONFIRMED", now(), later), user("half@example.org", "FORCE_CHANGE_PASSWORD", now(), now())},
	}}
	s, err := standingOf(t.Context(), c, "old", "new", time.Microsecond)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s.print(&out)
	want := "2 people are not in the new pool yet\n1 are, and have not come since\n1 are, and have come\n1 have no verified address, so they cannot be moved\n"
	if out.String() != want {
		t.Errorf("%s\nwant %s", &out, want)
	}
}
