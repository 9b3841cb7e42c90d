package builder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// fakeBucket keeps objects by key. It writes one only if there is none, as the bucket's
// policy demands.
type fakeBucket struct {
	content map[string]string
	puts    int
	// refusal answers every upload, if it is not empty.
	refusal string
	// kind is the kind of the checksums; without one there are none.
	kind s3types.ChecksumType
}

func (f *fakeBucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if f.refusal != "" {
		return nil, &smithy.GenericAPIError{Code: f.refusal}
	}
	if aws.ToString(in.IfNoneMatch) != "*" || in.ServerSideEncryption != s3types.ServerSideEncryptionAwsKms {
		return nil, &smithy.GenericAPIError{Code: "AccessDenied"}
	}
	if _, exists := f.content[*in.Key]; exists {
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed"}
	}
	raw, err := io.ReadAll(in.Body)
	f.content[*in.Key] = string(raw)
	f.puts++
	return &s3.PutObjectOutput{}, err
}

func (f *fakeBucket) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	content, exists := f.content[*in.Key]
	if !exists {
		return nil, &smithy.GenericAPIError{Code: "NotFound"}
	}
	out := &s3.HeadObjectOutput{ChecksumType: f.kind}
	if f.kind != "" && in.ChecksumMode == s3types.ChecksumModeEnabled {
		sum := sha256.Sum256([]byte(content))
		out.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	}
	return out, nil
}

func newFakeBucket() (*fakeBucket, objects) {
	f := &fakeBucket{content: map[string]string{}, kind: s3types.ChecksumTypeFullObject}
	return f, objects{api: f, base: "https://s3.eu-central-1.amazonaws.com", bucket: "artifacts", prefix: "code/guard/", keyID: "key"}
}

func TestObjectsAreUploadedOnce(t *testing.T) {
	t.Parallel()
	f, o := newFakeBucket()
	key, sum, err := o.put(t.Context(), []byte("code"), ".template")
	if err != nil || key != "code/guard/"+sum+".template" || sum != sumOf([]byte("code")) {
		t.Fatalf("put: %s, %s, %v", key, sum, err)
	}
	if again, _, err := o.put(t.Context(), []byte("code"), ".template"); err != nil || again != key || f.puts != 1 {
		t.Errorf("the same object again: %s, %v, %d uploads", again, err, f.puts)
	}
	f.content[key] = "planted by another build"
	if _, _, err := o.put(t.Context(), []byte("code"), ".template"); err == nil || !strings.Contains(err.Error(), "find out who uploaded it") {
		t.Errorf("an object of other content: %v", err)
	}
	if f.content[key] != "planted by another build" {
		t.Error("the object was overwritten")
	}
}

func TestObjectsAreCompared(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*fakeBucket, string)
		want   string
	}{
		"equal":              {func(*fakeBucket, string) {}, ""},
		"missing":            {func(f *fakeBucket, key string) { delete(f.content, key) }, "NotFound"},
		"other_content":      {func(f *fakeBucket, key string) { f.content[key] += "x" }, "has the SHA-256"},
		"no_checksum":        {func(f *fakeBucket, _ string) { f.kind = "" }, "no SHA-256 of its whole content"},
		"checksum_of_parts":  {func(f *fakeBucket, _ string) { f.kind = s3types.ChecksumTypeComposite }, "no SHA-256 of its whole content"},
		"upload_not_allowed": {func(f *fakeBucket, _ string) { f.refusal = "AccessDenied" }, "s3.PutObject s3://artifacts/code/guard/"},
		"upload_under_way":   {func(f *fakeBucket, _ string) { f.refusal = "ConditionalRequestConflict" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, o := newFakeBucket()
			key, sum, err := o.put(t.Context(), []byte("code"), "")
			if err != nil {
				t.Fatal(err)
			}
			tc.change(f, key)
			if f.refusal == "" {
				err = o.compare(t.Context(), key, sum)
			} else {
				_, _, err = o.put(t.Context(), []byte("code"), "")
			}
			if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

const toPackage = `# a comment
Transform: AWS::Serverless-2016-10-31
Resources:
  Guard:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: Guard, Handler: bootstrap, FunctionName: !Sub "gatehouse-${Environment}-guard"} # another
  Nested:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: nested/more.yaml}
`

// stackFolder is a built stack with one function and one nested template.
func stackFolder(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range map[string]string{
		"template.yaml": text, "Guard/bootstrap": "the code", "Guard/data/list": "a list",
		"nested/more.yaml": "Resources: {} # of the nested template\n",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "template.yaml")
}

func TestTemplatesArePackaged(t *testing.T) {
	t.Parallel()
	f, o := newFakeBucket()
	p := packager{objects: o, sums: map[string]string{}}
	packaged, err := p.template(t.Context(), stackFolder(t, toPackage))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.template(t.Context(), stackFolder(t, toPackage)); err != nil || !bytes.Equal(packaged, again) || f.puts != 2 {
		t.Errorf("from another folder: %v, %d uploads, want the same template and two uploads:\n%s", err, f.puts, again)
	}
	if err := o.named(packaged, p.sums); err != nil {
		t.Errorf("named: %v", err)
	}
	for _, key := range slices.Sorted(maps.Keys(f.content)) {
		if sumOf([]byte(f.content[key])) != p.sums[key] || !bytes.Contains(packaged, []byte(key)) {
			t.Errorf("%s: its checksum is %s, and the template is\n%s", key, p.sums[key], packaged)
		}
		if strings.HasSuffix(key, ".template") && f.content[key] != "Resources: {}\n" {
			t.Errorf("the nested template is %q", f.content[key])
		}
	}
	if text := string(packaged); strings.Contains(text, "comment") || !strings.Contains(text, `!Sub "gatehouse-${Environment}-guard"`) {
		t.Errorf("the packaged template:\n%s", text)
	}
}

func TestTemplatesThatCannotBePackaged(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"no_code":          {"CodeUri: Guard", "CodeUri: Other", "Guard: CodeUri"},
		"no_template":      {"nested/more.yaml", "nested/other.yaml", "Nested: TemplateURL"},
		"not_a_path":       {"CodeUri: Guard", "CodeUri: {Bucket: b, Key: k}", "is not a path"},
		"a_function":       {"CodeUri: Guard", "CodeUri: !Sub Guard", "is not a path"},
		"another_property": {"CodeUri: Guard", "DefinitionUri: Guard", "does not upload what DefinitionUri"},
		"a_layer":          {"Type: AWS::Serverless::Function", "Type: AWS::Serverless::LayerVersion", "does not upload what CodeUri"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, o := newFakeBucket()
			p := packager{objects: o, sums: map[string]string{}}
			if _, err := p.template(t.Context(), stackFolder(t, strings.Replace(toPackage, tc.old, tc.new, 1))); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// approvedBuild is the artifact of a build, in b.Out, and the bucket with its objects.
func approvedBuild(t *testing.T) (Build, *fakeBucket, objects, string) {
	t.Helper()
	b, s := repository(t, "dev", "dev")
	configs, err := b.configs(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.writeConfigs(configs); err != nil {
		t.Fatal(err)
	}
	f, o := newFakeBucket()
	p := packager{objects: o, sums: map[string]string{}}
	packaged, err := p.template(t.Context(), stackFolder(t, toPackage))
	if err == nil {
		err = b.write(packagedFile, packaged)
	}
	if err == nil {
		err = b.writeAbout(t.Context(), "arm64", nil, p.sums)
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, err := Digest(b.Out)
	if err != nil {
		t.Fatal(err)
	}
	return b, f, o, digest
}

func TestCheckArtifactCopiesWhatIsDeployed(t *testing.T) {
	t.Parallel()
	b, _, o, digest := approvedBuild(t)
	built := b.Out
	b.Out = t.TempDir()
	if err := b.checkArtifact(t.Context(), o, built, digest); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(deployedFiles(), aboutFile) {
		want, err := os.ReadFile(filepath.Join(built, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(b.Out, name)); err != nil || !bytes.Equal(want, got) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// rewrite changes build.json, as a build could that may write the artifact.
func rewrite(t *testing.T, folder string, change func(*about)) {
	t.Helper()
	path := filepath.Join(folder, aboutFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var built about
	if err := json.Unmarshal(raw, &built); err != nil {
		t.Fatal(err)
	}
	change(&built)
	if raw, err = json.Marshal(built); err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckArtifactRefusesWhatWasReplaced(t *testing.T) {
	t.Parallel()
	appendTo := func(name string) func(*testing.T, string, *fakeBucket) {
		return func(t *testing.T, folder string, _ *fakeBucket) {
			path := filepath.Join(folder, name)
			raw, err := os.ReadFile(path)
			if err = errors.Join(err, os.WriteFile(path, append(raw, "\n# more"...), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		replace func(*testing.T, string, *fakeBucket)
		// trusted means that the digest is that of the changed build.json.
		trusted bool
		want    string
	}{
		"template":      {appendTo(packagedFile), false, "packaged.yaml has the SHA-256"},
		"configuration": {appendTo("config/production.json"), false, "config/production.json has the SHA-256"},
		"build_json":    {appendTo(aboutFile), false, "the artifact was replaced"},
		"not_a_build":   {appendTo(aboutFile), true, "json.Unmarshal"},
		"missing":       {func(t *testing.T, folder string, _ *fakeBucket) { _ = os.Remove(filepath.Join(folder, packagedFile)) }, false, "os.ReadFile"},
		"another_service": {func(t *testing.T, folder string, _ *fakeBucket) {
			rewrite(t, folder, func(a *about) { a.Service = "api" })
		}, true, "is of api"},
		"no_checksum": {func(t *testing.T, folder string, _ *fakeBucket) {
			rewrite(t, folder, func(a *about) { delete(a.Files, packagedFile) })
		}, true, "packaged.yaml has the SHA-256"},
		"object_not_listed": {func(t *testing.T, folder string, _ *fakeBucket) {
			rewrite(t, folder, func(a *about) {
				maps.DeleteFunc(a.Objects, func(key, _ string) bool { return !strings.HasSuffix(key, ".template") })
			})
		}, true, "whose checksum is not in build.json"},
		"template_not_listed": {func(t *testing.T, folder string, _ *fakeBucket) {
			rewrite(t, folder, func(a *about) {
				maps.DeleteFunc(a.Objects, func(key, _ string) bool { return strings.HasSuffix(key, ".template") })
			})
		}, true, "whose checksum is not in build.json"},
		"code": {func(_ *testing.T, _ string, f *fakeBucket) {
			for key := range f.content {
				f.content[key] += "replaced"
			}
		}, false, "find out who uploaded it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, f, o, digest := approvedBuild(t)
			built := b.Out
			b.Out = t.TempDir()
			tc.replace(t, built, f)
			if tc.trusted {
				var err error
				if digest, err = Digest(built); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.checkArtifact(t.Context(), o, built, digest); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if left, err := os.ReadDir(b.Out); err != nil || len(left) > 0 {
				t.Errorf("the artifact contains %v, %v", left, err)
			}
		})
	}
}

func TestObjectsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	_, o := newFakeBucket()
	for _, reference := range []string{
		"s3://artifacts/code/api/1", "s3://elsewhere/code/guard/1", "https://example.org/artifacts/code/guard/1", "code/guard/1",
		"https://s3.eu-central-1.amazonaws.com/elsewhere/code/guard/1",
	} {
		if key, err := o.keyOf(reference); err == nil {
			t.Errorf("%s is taken for the object %s", reference, key)
		}
	}
}
