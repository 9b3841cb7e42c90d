package encryptor

import (
	"encoding/json"
	"slices"
	"testing"
)

// FuzzProperties checks that what a stack names is one log group and values that
// CloudWatch Logs takes.
func FuzzProperties(f *testing.F) {
	for _, seed := range []string{
		`{"LogGroupName":"/a/x","RetentionInDays":"30","CreateIfMissing":"true","OnDelete":"disassociate","Revision":"1","ServiceToken":"t"}`,
		`{"LogGroupName":"aws/x"}`, `{"LogGroupName":["/a"]}`, `{"RetentionInDays":"31"}`, `{"logGroupName":"/a"}`, `{"LogGroupName":"a\nb"}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in map[string]any
		if json.Unmarshal(raw, &in) != nil {
			return
		}
		p, err := parseProperties(in)
		if err != nil {
			return
		}
		if !isGroupName(p.LogGroupName) || p.LogGroupName != in["LogGroupName"] || p.OnDelete != keep && p.OnDelete != disassociate {
			t.Fatalf("%s is read as %+v", raw, p)
		}
		if p.RetentionInDays != 0 && !slices.Contains(retentions(), int64(p.RetentionInDays)) {
			t.Fatalf("%s is a retention of %d", raw, p.RetentionInDays)
		}
	})
}
