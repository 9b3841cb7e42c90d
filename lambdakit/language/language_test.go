package language_test

import (
	"testing"

	"gatehouse.example/lambdakit/language"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wishes []string
		want   string
	}{
		"none":          {nil, "en"},
		"empty":         {[]string{"", ""}, "en"},
		"language":      {[]string{"de"}, "de"},
		"region":        {[]string{"de-AT"}, "de"},
		"underscore":    {[]string{"fr_CA"}, "fr"},
		"upper_case":    {[]string{"JA-JP"}, "ja"},
		"script":        {[]string{"es-Latn-MX"}, "es"},
		"first_counts":  {[]string{"es", "de"}, "es"},
		"not_written":   {[]string{"pt-BR", "de"}, "de"},
		"none_written":  {[]string{"pt", "xx"}, "en"},
		"longer_word":   {[]string{"deu"}, "en"},
		"only_a_region": {[]string{"-de"}, "en"},
		"a_path":        {[]string{"../de"}, "en"},
	} {
		if got := language.Of(tc.wishes...); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
