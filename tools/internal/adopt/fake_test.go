package adopt

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// cloud is Cognito with one pool, as far as its documentation and the reports in
// actors.PoolRequest say what it does. It speaks JSON, as the settings on the wire are
// what counts.
type cloud struct {
	mu       sync.Mutex
	settings map[string]any
	mfa      map[string]any
	updates  []map[string]any
	// resetsMFA is Cognito if the reports were wrong.
	resetsMFA bool
	// onUpdate is called with the settings after an update, onRead before each answer.
	onUpdate, onRead func(map[string]any)
	reads            int
	// wantsPresentLimit refuses the former limit of a temporary password in any pool.
	wantsPresentLimit bool

	api *cognito.Client
}

// defaults are what a setting is after an update without it; the others are missing then.
func defaults() map[string]any {
	return map[string]any{
		"AdminCreateUserConfig": map[string]any{"AllowAdminCreateUserOnly": false}, "DeletionProtection": "INACTIVE", "EmailConfiguration": map[string]any{},
		"LambdaConfig": map[string]any{}, "UserPoolTier": "ESSENTIALS",
	}
}

// refusal is Cognito's answer to a request that it does not take.
type refusal string

func (r refusal) Error() string { return string(r) }

func (c *cloud) client(t *testing.T) *cognito.Client {
	t.Helper()
	if c.api == nil {
		server := httptest.NewServer(http.HandlerFunc(c.serve))
		t.Cleanup(server.Close)
		c.api = cognito.NewFromConfig(aws.Config{
			Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1,
		})
	}
	return c.api
}

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var in map[string]any
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	err := d.Decode(&in)
	var out any
	if err == nil {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		out, err = c.answer(operation, in)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"__type": "InvalidParameterException", "message": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (c *cloud) answer(operation string, in map[string]any) (any, error) {
	switch operation {
	case "DescribeUserPool":
		if c.reads++; c.onRead != nil {
			c.onRead(c.settings)
		}
		return map[string]any{"UserPool": c.settings}, nil
	case "GetUserPoolMfaConfig":
		return c.mfa, nil
	case "SetUserPoolMfaConfig":
		delete(in, "UserPoolId")
		c.mfa = in
		c.settings["MfaConfiguration"] = in["MfaConfiguration"]
		return map[string]any{}, nil
	case "UpdateUserPool":
		c.updates = append(c.updates, in)
		return map[string]any{}, c.update(in)
	}
	return nil, refusal("no operation " + operation)
}

// update replaces every setting that UpdateUserPool takes.
func (c *cloud) update(in map[string]any) error {
	if err := c.check(in); err != nil {
		return err
	}
	reset := defaults()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[cognito.UpdateUserPoolInput]()) {
		if !f.IsExported() || slices.Contains([]string{"UserPoolId", "PoolName", "MfaConfiguration", "UserPoolTags"}, f.Name) {
			continue
		}
		delete(c.settings, f.Name)
		if value, given := in[f.Name]; given && (f.Name != "DeviceConfiguration" || len(object(value)) > 0) {
			c.settings[f.Name] = value
		} else if value, is := reset[f.Name]; is {
			c.settings[f.Name] = value
		}
	}
	c.settings["Name"] = in["PoolName"]
	tags := object(c.settings["UserPoolTags"])
	maps.DeleteFunc(tags, func(name string, _ any) bool { return !strings.HasPrefix(name, "aws:") })
	for name, value := range object(in["UserPoolTags"]) {
		tags[name] = value
	}
	texts := object(c.settings["VerificationMessageTemplate"])
	for former, present := range map[string]string{"EmailVerificationMessage": "EmailMessage", "EmailVerificationSubject": "EmailSubject", "SmsVerificationMessage": "SmsMessage"} {
		if texts[present] != nil {
			c.settings[former] = texts[present]
		}
	}
	if days := object(object(c.settings["Policies"])["PasswordPolicy"])["TemporaryPasswordValidityDays"]; days != nil {
		object(c.settings["AdminCreateUserConfig"])["UnusedAccountValidityDays"] = days
	}
	if c.resetsMFA {
		c.settings["MfaConfiguration"], c.mfa = "OFF", map[string]any{"MfaConfiguration": "OFF"}
	}
	c.settings["LastModifiedDate"] = json.Number(fmt.Sprintf("17961%05d.5", len(c.updates)))
	if c.onUpdate != nil {
		c.onUpdate(c.settings)
	}
	return nil
}

// check refuses what Cognito refuses.
func (c *cloud) check(in map[string]any) error {
	taken := reflect.TypeFor[cognito.UpdateUserPoolInput]()
	for name := range in {
		if _, is := taken.FieldByName(name); !is {
			return refusal("unknown member " + name)
		}
	}
	if in["PoolName"] == nil || in["MfaConfiguration"] != nil && in["SmsConfiguration"] == nil {
		return refusal("SMS configuration and Auto verification for phone_number are required when MFA is required/optional")
	}
	verified, _ := in["AutoVerifiedAttributes"].([]any)
	needs, _ := object(in["UserAttributeUpdateSettings"])["AttributesRequireVerificationBeforeUpdate"].([]any)
	for _, one := range needs {
		if !slices.Contains(verified, one) {
			return refusal("All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes")
		}
	}
	present := object(object(in["Policies"])["PasswordPolicy"])["TemporaryPasswordValidityDays"]
	if object(in["AdminCreateUserConfig"])["UnusedAccountValidityDays"] != nil && (present != nil || c.wantsPresentLimit) {
		return refusal("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays")
	}
	if sms := in["SmsConfiguration"]; sms != nil && object(sms)["SnsCallerArn"] == nil {
		return refusal("SmsConfiguration.SnsCallerArn is required")
	}
	for name := range object(in["UserPoolTags"]) {
		if strings.HasPrefix(name, "aws:") {
			return refusal("aws: prefixed tag key names are not allowed for external use")
		}
	}
	texts := object(in["VerificationMessageTemplate"])
	for former, present := range map[string]string{"EmailVerificationMessage": "EmailMessage", "EmailVerificationSubject": "EmailSubject", "SmsVerificationMessage": "SmsMessage"} {
		if in[former] != nil && texts[present] != nil {
			return refusal(former + " is in the template, too")
		}
	}
	triggers := object(in["LambdaConfig"])
	if legacy, config := triggers["PreTokenGeneration"], object(triggers["PreTokenGenerationConfig"])["LambdaArn"]; legacy != nil && config != nil && legacy != config {
		return refusal("PreTokenGeneration and PreTokenGenerationConfig must be identical")
	}
	if (triggers["CustomEmailSender"] != nil || triggers["CustomSMSSender"] != nil) && triggers["KMSKeyID"] == nil {
		return refusal("KMSKeyID is required")
	}
	return nil
}

func object(value any) map[string]any {
	out, _ := value.(map[string]any)
	return out
}

// variants are what each setting of a pool may be. The property test makes pools of them.
func variants(t *testing.T) map[string][]map[string]any {
	t.Helper()
	arn := "arn:aws:lambda:eu-central-1:111122223333:function:"
	text := map[string][]string{
		"AccountRecoverySetting":      {`{"RecoveryMechanisms":[{"Name":"verified_email","Priority":1},{"Name":"verified_phone_number","Priority":2}]}`},
		"AdminCreateUserConfig":       {`{"AllowAdminCreateUserOnly":true,"UnusedAccountValidityDays":7,"InviteMessageTemplate":{"SMSMessage":"{username} {####}","EmailMessage":"{username} {####}","EmailSubject":"Hello"}}`, `{"AllowAdminCreateUserOnly":false,"UnusedAccountValidityDays":30}`, `{"AllowAdminCreateUserOnly":false}`},
		"AutoVerifiedAttributes":      {`["email"]`, `["email","phone_number"]`},
		"DeletionProtection":          {`"ACTIVE"`, `"INACTIVE"`},
		"DeviceConfiguration":         {`{"ChallengeRequiredOnNewDevice":false,"DeviceOnlyRememberedOnUserPrompt":false}`, `{"ChallengeRequiredOnNewDevice":true,"DeviceOnlyRememberedOnUserPrompt":false}`},
		"EmailConfiguration":          {`{"EmailSendingAccount":"COGNITO_DEFAULT"}`, `{"EmailSendingAccount":"DEVELOPER","SourceArn":"arn:aws:ses:eu-central-1:111122223333:identity/example.com","From":"Acme <a@example.com>","ReplyToEmailAddress":"b@example.com","ConfigurationSet":"set"}`, `{}`},
		"EmailVerificationMessage":    {`"former {####}"`},
		"EmailVerificationSubject":    {`"former subject"`},
		"IssuerConfiguration":         {`{"Type":"ORIGINAL"}`},
		"KeyConfiguration":            {`{"KeyType":"CUSTOMER_MANAGED_KEY","KmsKeyArn":"arn:aws:kms:eu-central-1:111122223333:key/a"}`},
		"LambdaConfig":                {`{"CustomMessage":"` + arn + `texts"}`, `{"CustomEmailSender":{"LambdaArn":"` + arn + `mail","LambdaVersion":"V1_0"},"CustomSMSSender":{"LambdaArn":"` + arn + `sms","LambdaVersion":"V1_0"},"KMSKeyID":"arn:aws:kms:eu-central-1:111122223333:key/a"}`, `{"PreTokenGeneration":"` + arn + `claims","PreTokenGenerationConfig":{"LambdaArn":"` + arn + `claims","LambdaVersion":"V2_0"},"InboundFederation":{"LambdaArn":"` + arn + `in","LambdaVersion":"V1_0"}}`, `{"DefineAuthChallenge":"` + arn + `define","CreateAuthChallenge":"` + arn + `create","VerifyAuthChallengeResponse":"` + arn + `verify","UserMigration":"` + arn + `migrate"}`, `{}`},
		"Policies":                    {`{"PasswordPolicy":{"MinimumLength":12,"RequireUppercase":false,"RequireLowercase":true,"RequireNumbers":false,"RequireSymbols":false,"PasswordHistorySize":3,"TemporaryPasswordValidityDays":14},"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","WEB_AUTHN"]}}`, `{"PasswordPolicy":{"MinimumLength":8,"RequireUppercase":true,"RequireLowercase":true,"RequireNumbers":true,"RequireSymbols":true}}`},
		"SmsAuthenticationMessage":    {`"code {####}"`},
		"SmsConfiguration":            {`{"SnsCallerArn":"arn:aws:iam::111122223333:role/sms","ExternalId":"external","SnsRegion":"eu-west-1"}`, `{}`},
		"SmsVerificationMessage":      {`"former {####}"`},
		"UserAttributeUpdateSettings": {`{"AttributesRequireVerificationBeforeUpdate":["email"]}`, `{"AttributesRequireVerificationBeforeUpdate":[]}`},
		"UserPoolAddOns":              {`{"AdvancedSecurityMode":"ENFORCED","AdvancedSecurityAdditionalFlows":{"CustomAuthMode":"AUDIT"}}`, `{"AdvancedSecurityMode":"OFF"}`},
		"UserPoolTags":                {`{"team":"accounts","aws:cloudformation:stack-name":"accounts"}`, `{"aws:cloudformation:stack-name":"accounts"}`, `{"cost":"42"}`},
		"UserPoolTier":                {`"LITE"`, `"ESSENTIALS"`, `"PLUS"`},
		"VerificationMessageTemplate": {`{"DefaultEmailOption":"CONFIRM_WITH_CODE","EmailMessage":"your {####}","EmailSubject":"Code","SmsMessage":"sms {####}"}`, `{"DefaultEmailOption":"CONFIRM_WITH_LINK","EmailMessageByLink":"{##here##}","EmailSubjectByLink":"Link"}`, `{"DefaultEmailOption":"CONFIRM_WITH_CODE"}`},
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[types.UserPoolType]()) {
		if _, taken := reflect.TypeFor[cognito.UpdateUserPoolInput]().FieldByName(f.Name); taken && f.IsExported() && f.Name != "MfaConfiguration" && len(text[f.Name]) == 0 {
			t.Errorf("no pool of the test has %s: write what it may be", f.Name)
		}
	}
	out := map[string][]map[string]any{}
	for name, each := range text {
		for _, one := range each {
			out[name] = append(out[name], parsed(t, `{"`+name+`":`+one+`}`))
		}
	}
	return out
}

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := decode([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}
