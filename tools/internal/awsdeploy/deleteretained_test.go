package awsdeploy

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/awsdeploy/check"
)

// fill sets every field below a value, so that a field that is not passed back shows.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if _, isTime := v.Interface().(time.Time); isTime {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"k": "v"}))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32:
		v.SetInt(1)
	}
}

// Every setting of the pool is in the update, except those that are omitted on purpose.
// A setting that a new version of the SDK adds is covered.
func TestUnprotectedPassesEverythingBack(t *testing.T) {
	t.Parallel()
	var pool types.UserPoolType
	fill(reflect.ValueOf(&pool).Elem())
	got, err := unprotected(pool)
	if err != nil {
		t.Fatal(err)
	}
	omitted := []string{"MfaConfiguration", "EmailVerificationMessage", "EmailVerificationSubject", "SmsVerificationMessage"}
	was, is := reflect.ValueOf(pool), reflect.ValueOf(*got)
	for i := range is.NumField() {
		name := is.Type().Field(i).Name
		switch from := was.FieldByName(name); {
		case !is.Type().Field(i).IsExported(), name == "DeletionProtection", name == "AdminCreateUserConfig":
		case slices.Contains(omitted, name):
			if !is.Field(i).IsZero() {
				t.Errorf("%s is passed back", name)
			}
		case !from.IsValid():
			if is.Field(i).IsZero() {
				t.Errorf("%s is not in the request", name)
			}
		case asJSON(t, from.Interface()) != asJSON(t, is.Field(i).Interface()):
			t.Errorf("%s: %v is passed back as %v", name, from, is.Field(i))
		}
	}
	if got.DeletionProtection != types.DeletionProtectionTypeInactive || got.AdminCreateUserConfig.UnusedAccountValidityDays != 0 || !got.AdminCreateUserConfig.AllowAdminCreateUserOnly {
		t.Errorf("protection %s, users of administrators %+v", got.DeletionProtection, *got.AdminCreateUserConfig)
	}
}

// The emulator describes what is not configured as an empty object.
func TestUnprotectedOmitsWhatIsEmpty(t *testing.T) {
	t.Parallel()
	got, err := unprotected(types.UserPoolType{
		Id: aws.String("p"), SmsConfiguration: &types.SmsConfigurationType{}, LambdaConfig: &types.LambdaConfigType{},
		UserPoolAddOns: &types.UserPoolAddOnsType{}, AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.SmsConfiguration != nil || got.LambdaConfig != nil || got.UserPoolAddOns != nil || len(got.AutoVerifiedAttributes) != 1 {
		t.Errorf("the request is %s", asJSON(t, got))
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fakePool behaves as Cognito does: UpdateUserPool resets what it is not given.
type fakePool struct {
	pool  types.UserPoolType
	calls []string
}

func (f *fakePool) DescribeUserPool(context.Context, *cognitoidentityprovider.DescribeUserPoolInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolOutput, error) {
	return &cognitoidentityprovider.DescribeUserPoolOutput{UserPool: &f.pool}, nil
}

func (f *fakePool) UpdateUserPool(_ context.Context, in *cognitoidentityprovider.UpdateUserPoolInput, _ ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.UpdateUserPoolOutput, error) {
	f.calls = append(f.calls, "update")
	needs := f.pool.UserAttributeUpdateSettings
	if in.UserAttributeUpdateSettings != nil {
		needs = in.UserAttributeUpdateSettings
	}
	if needs != nil && len(needs.AttributesRequireVerificationBeforeUpdate) > len(in.AutoVerifiedAttributes) {
		return nil, errors.New("All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes")
	}
	f.pool.DeletionProtection = in.DeletionProtection
	return nil, nil
}

func (f *fakePool) DeleteUserPool(context.Context, *cognitoidentityprovider.DeleteUserPoolInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DeleteUserPoolOutput, error) {
	f.calls = append(f.calls, "delete")
	if f.pool.DeletionProtection == types.DeletionProtectionTypeActive {
		return nil, errors.New("the user pool cannot be deleted because deletion protection is activated")
	}
	return nil, nil
}

func TestDeletePool(t *testing.T) {
	t.Parallel()
	protected := types.UserPoolType{
		Id: aws.String("p"), Name: aws.String("gatehouse-dev"), DeletionProtection: types.DeletionProtectionTypeActive,
		AutoVerifiedAttributes:      []types.VerifiedAttributeType{"email"},
		UserAttributeUpdateSettings: &types.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{"email"}},
	}
	open, attached := protected, protected
	open.DeletionProtection = types.DeletionProtectionTypeInactive
	attached.CustomDomain = aws.String("signin.example.com")
	for name, tc := range map[string]struct {
		pool      types.UserPoolType
		calls, wd string
	}{
		"protected": {protected, "update delete", ""},
		"open":      {open, "delete", ""},
		"domain":    {attached, "", "--domain signin.example.com"},
	} {
		api := &fakePool{pool: tc.pool}
		err := deletePool(t.Context(), api, "p")
		if got := strings.Join(api.calls, " "); got != tc.calls || (err == nil) != (tc.wd == "") || err != nil && !strings.Contains(err.Error(), tc.wd) {
			t.Errorf("%s: calls %q, %v", name, got, err)
		}
	}
}

// fakeTable is ACTIVE after a few descriptions.
type fakeTable struct{ calls []string }

func (f *fakeTable) UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error) {
	f.calls = append(f.calls, "update")
	return nil, nil
}

func (f *fakeTable) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	f.calls = append(f.calls, "describe")
	return &dynamodb.DescribeTableOutput{Table: &dynamotypes.TableDescription{TableStatus: dynamotypes.TableStatusActive}}, nil
}

func (f *fakeTable) DeleteTable(context.Context, *dynamodb.DeleteTableInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteTableOutput, error) {
	f.calls = append(f.calls, "delete")
	return nil, nil
}

func TestDeleteTable(t *testing.T) {
	t.Parallel()
	api := &fakeTable{}
	if err := deleteTable(t.Context(), api, "t"); err != nil || strings.Join(api.calls, " ") != "update describe delete" {
		t.Errorf("calls %v, %v", api.calls, err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	left := []check.Left{{Type: poolType, ID: "p"}, {Type: tableType, ID: "t"}, {Type: keyType, ID: "k"}}
	got, err := choose(left, []string{"k", "p"})
	if diff := cmp.Diff([]check.Left{left[0], left[2]}, got); diff != "" || err != nil {
		t.Errorf("%v, chosen (-want +got):\n%s", err, diff)
	}
	if _, err := choose(left, []string{"p", "somebody-elses"}); err == nil || !strings.Contains(err.Error(), "somebody-elses is not a pool") {
		t.Errorf("got %v for a resource of others", err)
	}
}
