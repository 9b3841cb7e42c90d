package adopt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gatehouse.example/tools/actors"
)

// pool is a user pool as Cognito describes it, in Cognito's JSON: the SDK drops a setting
// that is newer than itself, and does not send one that is false or 0.
type pool struct {
	// Settings is what DescribeUserPool answers, and MFA what GetUserPoolMfaConfig does.
	Settings map[string]any `json:"settings"`
	MFA      map[string]any `json:"mfa"`
}

// read describes a pool.
func read(ctx context.Context, api *cognito.Client, id string) (pool, error) {
	var out pool
	var raw []byte
	_, err := api.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &id}, keeping(&raw))
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return out, fmt.Errorf("no user pool %s in %s; AWS_REGION sets another region: %w", id, api.Options().Region, err)
	}
	if err != nil {
		return out, fmt.Errorf("cognitoidentityprovider.DescribeUserPool: %w", err)
	}
	var answer struct{ UserPool map[string]any }
	if err := decode(raw, &answer); err != nil {
		return out, err
	}
	out.Settings = answer.UserPool
	if _, err := api.GetUserPoolMfaConfig(ctx, &cognito.GetUserPoolMfaConfigInput{UserPoolId: &id}, keeping(&raw)); err != nil {
		return out, fmt.Errorf("cognitoidentityprovider.GetUserPoolMfaConfig: %w", err)
	}
	return out, decode(raw, &out.MFA)
}

// decode keeps the digits of numbers.
func decode(raw []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("json.Decoder.Decode: %w", err)
	}
	return nil
}

// unknown are the pool's settings that the SDK does not know. It is not known whether
// UpdateUserPool accepts them, and it resets what is not in the request.
func (p pool) unknown() []string {
	known := reflect.TypeFor[types.UserPoolType]()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.Settings)), func(name string) bool {
		field, is := known.FieldByName(name)
		return is && field.IsExported()
	})
}

// triggers are the pool's triggers: a function's ARN, or an object with one.
func (p pool) triggers() map[string]any {
	triggers, _ := p.Settings["LambdaConfig"].(map[string]any)
	return triggers
}

func (p pool) text(name string) string {
	text, _ := p.Settings[name].(string)
	return text
}

// write sets the triggers of a pool, and every other setting to what it is. An empty set
// is passed as one: no document says that a missing one removes the triggers.
func write(ctx context.Context, api *cognito.Client, now pool, triggers map[string]any) error {
	request := actors.PoolRequest(now.Settings)
	request["LambdaConfig"] = triggers
	err := update(ctx, api, request)
	if config, _ := request["AdminCreateUserConfig"].(map[string]any); err != nil && config["UnusedAccountValidityDays"] != nil && strings.Contains(err.Error(), "TemporaryPasswordValidityDays") {
		// A pool that has the former limit only, where Cognito wants the present one.
		policies, _ := request["Policies"].(map[string]any)
		if password, _ := policies["PasswordPolicy"].(map[string]any); password != nil {
			password["TemporaryPasswordValidityDays"] = config["UnusedAccountValidityDays"]
			delete(config, "UnusedAccountValidityDays")
			err = update(ctx, api, request)
		}
	}
	return err
}

func update(ctx context.Context, api *cognito.Client, request map[string]any) error {
	raw, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	id, _ := request["UserPoolId"].(string)
	if _, err := api.UpdateUserPool(ctx, &cognito.UpdateUserPoolInput{UserPoolId: &id}, sending(raw)); err != nil {
		return fmt.Errorf("cognitoidentityprovider.UpdateUserPool: %w", err)
	}
	return nil
}

// setMFA sets the pool's MFA configuration back. Cognito accepts only a whole configuration.
func setMFA(ctx context.Context, api *cognito.Client, id string, mfa map[string]any) error {
	request := maps.Clone(mfa)
	request["UserPoolId"] = id
	raw, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if _, err := api.SetUserPoolMfaConfig(ctx, &cognito.SetUserPoolMfaConfigInput{UserPoolId: &id}, sending(raw)); err != nil {
		return fmt.Errorf("cognitoidentityprovider.SetUserPoolMfaConfig: %w", err)
	}
	return nil
}

// keeping copies the body of the answer.
func keeping(raw *[]byte) func(*cognito.Options) {
	keep := middleware.DeserializeMiddlewareFunc("KeepBody", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if response, is := out.RawResponse.(*smithyhttp.Response); is && err == nil {
			if *raw, err = io.ReadAll(response.Body); err != nil {
				return out, metadata, fmt.Errorf("io.ReadAll: %w", err)
			}
			response.Body = io.NopCloser(bytes.NewReader(*raw))
		}
		return out, metadata, err
	})
	return func(o *cognito.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Deserialize.Add(keep, middleware.After) })
	}
}

// sending replaces the body of the request.
func sending(raw []byte) func(*cognito.Options) {
	replace := middleware.SerializeMiddlewareFunc("ReplaceBody", func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
		request, is := in.Request.(*smithyhttp.Request)
		if !is {
			return middleware.SerializeOutput{}, middleware.Metadata{}, fmt.Errorf("the request is a %T", in.Request)
		}
		request, err := request.SetStream(bytes.NewReader(raw))
		if err != nil {
			return middleware.SerializeOutput{}, middleware.Metadata{}, fmt.Errorf("smithyhttp.Request.SetStream: %w", err)
		}
		in.Request = request
		return next.HandleSerialize(ctx, in)
	})
	return func(o *cognito.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Serialize.Add(replace, middleware.After) })
	}
}
