package hostedpages

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"rsc.io/qr"
)

// setUp is what a person needs to put a key into an authenticator app.
type setUp struct {
	Key string // in groups, as it is typed
	// URI opens an app on the same device
	// (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
	URI template.URL
	// ViewBox, Ground and Modules draw the QR code of the URI: a white square, and a path of
	// its black parts.
	ViewBox, Ground, Modules string
}

// quiet is the width of the white border that a reader of QR codes needs, in modules.
const quiet = 4

// newSetUp draws the QR code of a key. What it returns with an error has the key without it.
func newSetUp(issuer, account, key string) (*setUp, error) {
	var groups []string
	for group := range slices.Chunk([]byte(key), 4) {
		groups = append(groups, string(group))
	}
	uri := "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" +
		strings.ReplaceAll(url.Values{"secret": {key}, "issuer": {issuer}}.Encode(), "+", "%20")
	made := &setUp{Key: strings.Join(groups, " "), URI: template.URL(uri)} //nolint:gosec // G203: its parts are escaped
	code, err := qr.Encode(uri, qr.M)
	if err != nil {
		return made, fmt.Errorf("qr.Encode: %w", err)
	}
	size := code.Size + 2*quiet
	made.ViewBox = fmt.Sprintf("0 0 %d %d", size, size)
	made.Ground = fmt.Sprintf("M0 0h%dv%dH0z", size, size)
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	made.Modules = path.String()
	return made, nil
}
