package contracts_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
)

// dataOf is the Go data of every type.
func dataOf() map[string]any {
	return map[string]any{
		contracts.TypeSignupAllowed: contracts.SignupAllowed{}, contracts.TypeSignupRejected: contracts.SignupRejected{},
		contracts.TypeUserCreated: contracts.UserCreated{}, contracts.TypePasswordReset: contracts.PasswordReset{},
		contracts.TypeSigninAttempted: contracts.SigninAttempted{}, contracts.TypeSigninSucceeded: contracts.SigninSucceeded{},
		contracts.TypeSigninFailed:  contracts.SigninFailed{},
		contracts.TypeAppEvent:      contracts.AppEvent{},
		contracts.TypeChallengeSent: contracts.ChallengeSent{}, contracts.TypeChallengePassed: contracts.ChallengePassed{},
		contracts.TypeChallengeFailed: contracts.ChallengeFailed{},
		contracts.TypeSecurityFinding: contracts.SecurityFinding{},
		contracts.TypeUserDeleted:     contracts.AccountChanged{}, contracts.TypeUserDisabled: contracts.AccountChanged{},
		contracts.TypeUserEnabled: contracts.AccountChanged{}, contracts.TypeSignedOut: contracts.AccountChanged{},
		contracts.TypeAttributesChanged: contracts.AttributesChanged{}, contracts.TypePasswordChanged: contracts.PasswordChanged{},
		contracts.TypeMFAChanged: contracts.MFAChanged{}, contracts.TypePoolChanged: contracts.PoolChanged{},
		contracts.TypeGroupAdded: contracts.GroupChanged{}, contracts.TypeGroupRemoved: contracts.GroupChanged{},
		contracts.TypeTokenIssued: contracts.TokenIssued{}, contracts.TypeTokenRefused: contracts.TokenRefused{},
	}
}

func compile(t *testing.T, eventType string) *jsonschema.Schema {
	t.Helper()
	raw, err := schemas.Of(eventType)
	if err != nil {
		t.Fatalf("schemas.Of: %v", err)
	}
	return compiled(t, raw, contracts.SchemaBase+"strict/"+eventType+".json")
}

// compiled compiles a schema, which must have this address.
func compiled(t *testing.T, raw []byte, address string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: jsonschema.UnmarshalJSON: %v", address, err)
	}
	if id := doc.(map[string]any)["$id"]; id != address {
		t.Fatalf("$id is %v, want %s", id, address)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(address, doc); err != nil {
		t.Fatalf("%s: AddResource: %v", address, err)
	}
	schema, err := c.Compile(address)
	if err != nil {
		t.Fatalf("%s: Compile: %v", address, err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, body []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("jsonschema.UnmarshalJSON: %v", err)
	}
	return schema.Validate(doc)
}

func TestEveryTypeHasASchemaAndNoMore(t *testing.T) {
	t.Parallel()
	files, err := schemas.FS.ReadDir(".")
	if err != nil {
		t.Fatalf("ReadDir: %v", err)
	}
	var got []string
	for _, f := range files {
		got = append(got, strings.TrimSuffix(f.Name(), ".json"))
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(contracts.Types())), got); diff != "" {
		t.Errorf("types and schemas differ (-types +schemas):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(dataOf())), got); diff != "" {
		t.Errorf("this test's dataOf and the schemas differ:\n%s", diff)
	}
}

// TestFieldsAndSchemasAgree holds the Go structs to the schemas field by field.
func TestFieldsAndSchemasAgree(t *testing.T) {
	t.Parallel()
	jsonTypes := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Map: "object", reflect.Struct: "object"}
	for eventType, data := range dataOf() {
		var schema struct {
			Properties struct {
				Data struct {
					AdditionalProperties *bool
					Properties           map[string]struct{ Type string }
					Required             []string
				}
			}
		}
		raw, err := schemas.Of(eventType)
		if err != nil {
			t.Fatalf("schemas.Of: %v", err)
		}
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatalf("%s: json.Unmarshal: %v", eventType, err)
		}
		described := schema.Properties.Data
		if described.AdditionalProperties == nil || *described.AdditionalProperties {
			t.Errorf("%s: data admits additional properties", eventType)
		}
		fields, required := map[string]string{}, []string{}
		for f := range reflect.TypeOf(data).Fields() {
			name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[name] = jsonTypes[f.Type.Kind()]
			if option != "omitempty" {
				required = append(required, name)
			}
		}
		inSchema := map[string]string{}
		for name, property := range described.Properties {
			inSchema[name] = property.Type
		}
		if diff := cmp.Diff(fields, inSchema); diff != "" {
			t.Errorf("%s: fields differ (-Go +schema):\n%s", eventType, diff)
		}
		if diff := cmp.Diff(required, append([]string{}, described.Required...)); diff != "" {
			t.Errorf("%s: required fields differ (-Go +schema):\n%s", eventType, diff)
		}
	}
}

func goldens(t *testing.T, eventType string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", eventType+"*.json"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%s: %d golden documents, want the example and another: %v", eventType, len(files), err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("os.ReadFile: %v", err)
		}
		out[filepath.Base(file)] = raw
	}
	return out
}

func TestGoldenDocuments(t *testing.T) {
	t.Parallel()
	for eventType, data := range dataOf() {
		schema := compile(t, eventType)
		for file, raw := range goldens(t, eventType) {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				if err := validate(t, schema, raw); err != nil {
					t.Fatalf("schema: %v", err)
				}
				ev, err := contracts.Decode(raw)
				if err != nil {
					t.Fatalf("Decode: %v", err)
				}
				into := reflect.New(reflect.TypeOf(data)).Interface()
				dec := json.NewDecoder(bytes.NewReader(ev.Data()))
				dec.DisallowUnknownFields()
				if err := dec.Decode(into); err != nil {
					t.Fatalf("data into %T: %v", data, err)
				}
				again, err := contracts.Encode(ev)
				if err != nil {
					t.Fatalf("Encode: %v", err)
				}
				if diff := cmp.Diff(generic(t, raw), generic(t, again)); diff != "" {
					t.Errorf("decoding and encoding again changes the event:\n%s", diff)
				}
			})
		}
	}
}

func generic(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	return doc
}

// TestSchemasRefuse plants one error in a good document at a time.
func TestSchemasRefuse(t *testing.T) {
	t.Parallel()
	plant := map[string]func(ev, data map[string]any){
		"extra_field_in_data":   func(_, d map[string]any) { d["email"] = "erika@example.org" },
		"address_as_domain":     func(_, d map[string]any) { d["domain"] = "erika@example.org" },
		"upper_case_domain":     func(_, d map[string]any) { d["domain"] = "Example.org" },
		"domain_not_ascii":      func(_, d map[string]any) { d["domain"] = "exämple.org" },
		"empty_domain":          func(_, d map[string]any) { d["domain"] = "" },
		"domain_of_other_type":  func(_, d map[string]any) { d["domain"] = 7 },
		"unknown_via":           func(_, d map[string]any) { d["via"] = "magic" },
		"no_via":                func(_, d map[string]any) { delete(d, "via") },
		"reason_with_blanks":    func(_, d map[string]any) { d["reason"] = "The domain" },
		"list_version_no_date":  func(_, d map[string]any) { d["listVersion"] = "v1" },
		"other_type":            func(e, _ map[string]any) { e["type"] = "gatehouse.user.created.v1" },
		"other_schema":          func(e, _ map[string]any) { e["dataschema"] = "https://example.org" },
		"other_specversion":     func(e, _ map[string]any) { e["specversion"] = "0.3" },
		"no_id":                 func(e, _ map[string]any) { delete(e, "id") },
		"no_time":               func(e, _ map[string]any) { delete(e, "time") },
		"time_of_another_zone":  func(e, _ map[string]any) { e["time"] = "2026-11-22T09:30:00+01:00" },
		"source_is_not_a_pool":  func(e, _ map[string]any) { e["source"] = "/gatehouse" },
		"address_as_subject":    func(e, _ map[string]any) { e["subject"] = "erika@example.org" },
		"no_client":             func(e, _ map[string]any) { e["clientid"] = "" },
		"synthetic_as_text":     func(e, _ map[string]any) { e["synthetic"] = "true" },
		"synthetic_is_false":    func(e, _ map[string]any) { e["synthetic"] = false },
		"traceparent_of_xray":   func(e, _ map[string]any) { e["traceparent"] = "Root=1-2-3" },
		"data_is_text":          func(e, _ map[string]any) { e["data"] = "via" },
		"binary_data":           func(e, _ map[string]any) { delete(e, "data"); e["data_base64"] = "e30=" },
		"content_type_is_plain": func(e, _ map[string]any) { e["datacontenttype"] = "text/plain" },
	}
	schema := compile(t, contracts.TypeSignupRejected)
	good := goldens(t, contracts.TypeSignupRejected)[contracts.TypeSignupRejected+".json"]
	for name, change := range plant {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev := generic(t, good)
			change(ev, ev["data"].(map[string]any))
			raw, err := json.Marshal(ev)
			if err != nil {
				t.Fatalf("json.Marshal: %v", err)
			}
			if validate(t, schema, raw) == nil {
				t.Errorf("the schema admits %s", raw)
			}
		})
	}
}

func TestUserCreatedNeedsASubjectInTheSchema(t *testing.T) {
	t.Parallel()
	ev := generic(t, goldens(t, contracts.TypeUserCreated)[contracts.TypeUserCreated+".json"])
	delete(ev, "subject")
	raw, err := json.Marshal(ev)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	if validate(t, compile(t, contracts.TypeUserCreated), raw) == nil {
		t.Error("the schema admits user.created without a subject")
	}
}

// TestAppEventSchemaRefuses plants one error at a time. The schema is the second
// net below the constructor, and the one that other languages have.
func TestAppEventSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compile(t, contracts.TypeAppEvent)
	good := goldens(t, contracts.TypeAppEvent)[contracts.TypeAppEvent+".json"]
	values := func(d map[string]any) map[string]any { return d["values"].(map[string]any) }
	for name, change := range map[string]func(ev, data map[string]any){
		"subject":        func(e, _ map[string]any) { e["subject"] = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11" },
		"synthetic":      func(e, _ map[string]any) { e["synthetic"] = true },
		"client":         func(e, _ map[string]any) { e["clientid"] = "3n4b5urk1ft4fl3mg5e62d9ado" },
		"nobody":         func(_, d map[string]any) { delete(d, "who") },
		"admin":          func(_, d map[string]any) { d["who"] = "admin" },
		"no_name":        func(_, d map[string]any) { delete(d, "name") },
		"long_name":      func(_, d map[string]any) { d["name"] = strings.Repeat("abcdefgh.", 7) + "ab" },
		"text_as_name":   func(_, d map[string]any) { d["name"] = "Erika clicked" },
		"local_time":     func(_, d map[string]any) { d["claimedAt"] = "2026-11-22T09:30:00+01:00" },
		"address":        func(_, d map[string]any) { values(d)["x"] = "erika@example.org" },
		"sub":            func(_, d map[string]any) { values(d)["x"] = "af0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11" },
		"phone_number":   func(_, d map[string]any) { values(d)["x"] = 15551234567 },
		"place":          func(_, d map[string]any) { values(d)["x"] = 52.52 },
		"nothing":        func(_, d map[string]any) { values(d)["x"] = nil },
		"nested":         func(_, d map[string]any) { values(d)["x"] = map[string]any{} },
		"list":           func(_, d map[string]any) { values(d)["x"] = []any{1} },
		"address_as_key": func(_, d map[string]any) { values(d)["erika@example.org"] = true },
		"too_many_values": func(_, d map[string]any) {
			for i := range 17 {
				values(d)["x"+string(rune('a'+i))] = i
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev := generic(t, good)
			change(ev, ev["data"].(map[string]any))
			raw, err := json.Marshal(ev)
			if err != nil {
				t.Fatalf("json.Marshal: %v", err)
			}
			if validate(t, schema, raw) == nil {
				t.Errorf("the schema admits %s", raw)
			}
		})
	}
}

// TestSchemasHaveTheConstants: the schemas list what the constants name, and no more.
func TestSchemasHaveTheConstants(t *testing.T) {
	t.Parallel()
	for eventType, fields := range map[string]map[string][]string{
		contracts.TypeSigninFailed: {
			"reason": contracts.FailureReasons(), "challenge": slices.Sorted(maps.Values(contracts.Challenges())),
			"via": {contracts.ViaPage, contracts.ViaAPI},
		},
		contracts.TypeChallengePassed: {"with": {contracts.WithCode, contracts.WithLink}},
		contracts.TypeChallengeFailed: {"reason": contracts.ChallengeReasons()},
	} {
		var schema struct {
			Properties struct {
				Data struct {
					Properties map[string]struct{ Enum []string }
				}
			}
		}
		raw, err := schemas.Of(eventType)
		if err != nil {
			t.Fatalf("schemas.Of: %v", err)
		}
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatalf("json.Unmarshal: %v", err)
		}
		for field, want := range fields {
			if diff := cmp.Diff(want, schema.Properties.Data.Properties[field].Enum); diff != "" {
				t.Errorf("%s %s (-constants +schema):\n%s", eventType, field, diff)
			}
		}
	}
}
