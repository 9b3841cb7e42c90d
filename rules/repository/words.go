package repository

import (
	"regexp"
	"strings"
)

// banned are phrases that CONTRIBUTING's glossary replaces.
var banned = regexp.MustCompile(`(?i)\b(whom|anew|beside|save for|any ?more|nobody can be|let do|up to three times|the edge|told otherwise|` +
	`(?:with|without|gives?|needs?|has|have) leave|losses|patience|misuse|for ever|in vain|hands? (?:on|down|out))\b`)

// isNo matches 'is no X' with the word before it.
var isNo = regexp.MustCompile(`(?i)(\w+ )?\b(?:is|are|was|were) no (\w+)`)

// Banned returns the phrases of a text that CONTRIBUTING's glossary replaces, and
// sentences such as 'this is no error', where 'not an error' is meant.
func Banned(text string) []string {
	out := banned.FindAllString(text, -1)
	for _, m := range isNo.FindAllStringSubmatch(text, -1) {
		if before := strings.ToLower(m[1]); before != "there " && !strings.EqualFold(m[2], "longer") {
			out = append(out, m[0])
		}
	}
	return out
}
