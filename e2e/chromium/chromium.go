// Package chromium drives Chromium as a person does: it reads the page, clicks and
// types, and reads the names that a screen reader speaks. The tests of the hosted pages
// and the command that takes their pictures share it.
package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrNone says what to install.
var ErrNone = errors.New("no Chromium found: install it (Debian: apt-get install -y chromium; macOS: brew install chromium) or name one in CHROME_PATH")

// Find returns the browser's program.
func Find() (string, error) {
	if path := os.Getenv("CHROME_PATH"); path != "" {
		return path, nil
	}
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// stepLimit is how long a page may take to show what a step waits for.
const stepLimit = 2 * time.Minute

// Browser is one window with a profile of its own.
type Browser struct {
	ctx   context.Context
	close []func()
}

// Open starts a browser with a window of this size; dark asks pages for their
// dark colours. Hosts are rules such as "MAP app.example:80 127.0.0.1:8081", which
// decide where a name leads.
func Open(ctx context.Context, width, height int, dark bool, hosts ...string) (*Browser, error) {
	var flags []chromedp.ExecAllocatorOption
	if len(hosts) > 0 {
		flags = append(flags, chromedp.Flag("host-resolver-rules", strings.Join(hosts, ", ")))
	}
	return open(ctx, width, height, dark, flags...)
}

// OpenTrusting opens a browser that also trusts every certificate with this public key, given
// as the hash that Chromium takes: SHA-256 of the key, in base64.
func OpenTrusting(ctx context.Context, width, height int, key string) (*Browser, error) {
	return open(ctx, width, height, false, chromedp.Flag("ignore-certificate-errors-spki-list", key))
}

func open(ctx context.Context, width, height int, dark bool, flags ...chromedp.ExecAllocatorOption) (*Browser, error) {
	program, err := Find()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "gatehouse-browser-")
	if err != nil {
		return nil, fmt.Errorf("os.MkdirTemp: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.UserDataDir(profile),
		chromedp.DisableGPU, chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
	)
	options = append(options, flags...)
	if os.Geteuid() == 0 { // Chromium's sandbox refuses to run for root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	tab, stopTab := chromedp.NewContext(allocator)
	b := &Browser{ctx: tab, close: []func(){stopTab, stopAllocator, func() { _ = os.RemoveAll(profile) }}}
	if err := chromedp.Do(tab, view(width, height, dark)); err != nil {
		b.Close()
		return nil, fmt.Errorf("chromedp.Do: %w", err)
	}
	return b, nil
}

// Close ends the browser and deletes its profile.
func (b *Browser) Close() {
	for _, stop := range b.close {
		stop()
	}
}

// run makes one step within the limit.
func run[T any](b *Browser, what string, step chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, stepLimit)
	defer cancel()
	result, err := chromedp.Run(ctx, step)
	if err != nil {
		return result, fmt.Errorf("%s: %w", what, err)
	}
	return result, nil
}

// do makes one step that has no result.
func do(b *Browser, what string, step chromedp.Action[chromedp.Void]) error {
	_, err := run(b, what, step)
	return err
}
