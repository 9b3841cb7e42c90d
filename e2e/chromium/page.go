package chromium

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// view sets the size of what a page sees, a phone's below 500 pixels.
func view(width, height int, dark bool) chromedp.Action[chromedp.Void] {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: int64(width), Height: int64(height), DeviceScaleFactor: 1, Mobile: width < 500,
		})
		if err != nil {
			return chromedp.Void{}, fmt.Errorf("emulation.SetDeviceMetricsOverride: %w", err)
		}
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		if err != nil {
			return chromedp.Void{}, fmt.Errorf("emulation.SetEmulatedMedia: %w", err)
		}
		return chromedp.Void{}, nil
	}
}

// Visit opens an address.
func (b *Browser) Visit(address string) error {
	return do(b, "visit "+address, chromedp.Navigate(address))
}

// Heading waits until the page's heading is this one.
func (b *Browser) Heading(text string) error {
	err := b.Until(fmt.Sprintf(`document.readyState === "complete" && document.querySelector("h1")?.textContent === %s`, quote(text)))
	if err != nil {
		return fmt.Errorf("no page %q, but:\n%s", text, b.Text())
	}
	return nil
}

// Says waits until the page shows this text.
func (b *Browser) Says(text string) error {
	if err := b.Until(fmt.Sprintf(`document.body?.innerText.includes(%s)`, quote(text))); err != nil {
		return fmt.Errorf("%q is not on the page:\n%s", text, b.Text())
	}
	return nil
}

// Until waits until an expression is true; pages may be left and loaded meanwhile.
func (b *Browser) Until(expression string) error {
	ask := time.NewTicker(50 * time.Millisecond)
	defer ask.Stop()
	deadline := time.After(stepLimit)
	for {
		yes, err := Script[bool](b, `(() => { try { return Boolean(`+expression+`) } catch { return false } })()`)
		if err == nil && yes {
			return nil
		}
		select {
		case <-ask.C:
		case <-deadline:
			return fmt.Errorf("not within %s: %s", stepLimit, expression)
		case <-b.ctx.Done():
			return fmt.Errorf("the browser is closed: %w", b.ctx.Err())
		}
	}
}

// Script evaluates an expression, and waits for it if it is a promise.
func Script[T any](b *Browser, expression string) (T, error) {
	return run(b, "script", chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Text is what the page shows, below its address.
func (b *Browser) Text() string {
	text, err := Script[string](b, `location.href + "\n" + document.body?.innerText`)
	if err != nil {
		return err.Error()
	}
	return text
}

// Fill types into the field with this label, and replaces its content.
func (b *Browser) Fill(label, text string) error {
	field := fmt.Sprintf(`[...document.querySelectorAll("label")].find((l) => l.textContent.trim() === %s)?.control`, quote(label))
	if err := b.Until(field); err != nil {
		return fmt.Errorf("no field %q on:\n%s", label, b.Text())
	}
	if _, err := Script[bool](b, field+`.select() ?? true`); err != nil {
		return err
	}
	return b.Type(text)
}

// Click presses the button or link with this text.
func (b *Browser) Click(text string) error {
	target := fmt.Sprintf(`[...document.querySelectorAll("button, a")].find((e) => e.offsetParent && e.textContent.trim() === %s)`, quote(text))
	if err := b.Until(target); err != nil {
		return fmt.Errorf("nothing %q to click on:\n%s", text, b.Text())
	}
	_, err := Script[bool](b, target+`.click() ?? true`)
	return err
}

// Type sends text to whatever has the focus.
func (b *Browser) Type(text string) error { return do(b, "type", chromedp.KeyEvent(text)) }

// Tab moves the focus on.
func (b *Browser) Tab() error { return do(b, "tab", chromedp.KeyEvent(kb.Tab)) }

// Enter presses what has the focus.
func (b *Browser) Enter() error { return do(b, "enter", chromedp.KeyEvent(kb.Enter)) }

// focused is what has the focus: a field's label, a button's or link's text.
const focused = `((e) => (e?.labels?.[0] ?? e)?.textContent.trim() ?? "")(document.activeElement)`

// HasFocus waits until the page has put the focus on the named control.
func (b *Browser) HasFocus(name string) error {
	if err := b.Until(`document.readyState === "complete" && ` + focused + ` === ` + quote(name)); err != nil {
		return fmt.Errorf("the focus is not on %q:\n%s", name, b.Text())
	}
	return nil
}

// TabTo moves the focus on until it is at the named control.
func (b *Browser) TabTo(name string) error {
	var seen []string
	for range 30 {
		at, err := Script[string](b, focused)
		if err != nil {
			return err
		}
		if at == name {
			return nil
		}
		if seen = append(seen, at); b.Tab() != nil {
			break
		}
	}
	return fmt.Errorf("the tab key never reaches %q, only %q", name, seen)
}

// Node is a part of the page as a screen reader gets it.
type Node struct{ Role, Name, Description string }

// Nodes is the whole page for a screen reader.
func (b *Browser) Nodes() ([]Node, error) {
	tree, err := run(b, "accessibility tree", func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	var out []Node
	for _, n := range tree.Nodes {
		if !n.Ignored {
			out = append(out, Node{value(n.Role), value(n.Name), value(n.Description)})
		}
	}
	return out, err
}

func value(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	_ = json.Unmarshal([]byte(v.Value), &text) // a value that is not a text gives no name
	return strings.TrimSpace(text)
}

// Picture is what a window as tall as the page shows, as PNG. Nothing has the
// focus in it, because a cursor blinks.
func (b *Browser) Picture(width, least int) ([]byte, error) {
	if err := b.Until(`document.readyState === "complete"`); err != nil {
		return nil, err
	}
	height, err := Script[int](b, `(document.activeElement?.blur(), document.documentElement.scrollHeight)`)
	if err != nil {
		return nil, err
	}
	return run(b, "picture", func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		beyond := true
		shot, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Clip: &page.Viewport{Width: float64(width), Height: float64(max(height, least)), Scale: 1}, CaptureBeyondViewport: &beyond,
		})
		return shot.Data, err
	})
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil { // a string always encodes
		return `""`
	}
	return string(quoted)
}
