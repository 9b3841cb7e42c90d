// Command pictures takes the pictures of the hosted pages that the documentation
// shows, from a running local system, so that they can be taken again after every
// change of the pages.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"gatehouse.example/e2e/chromium"
	"gatehouse.example/tools/actors"
)

const (
	password   = "Correct-horse-7-battery"
	signUpCode = "123456" // the emulator's
)

// size is that of a window.
type size struct{ width, height int }

// A phone is as wide as the narrowest that is common.
var phone, desktop = size{360, 640}, size{900, 620}

func main() {
	if err := realMain(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	dir := flag.String("dir", ".local", "folder of the running local system")
	out := flag.String("out", "docs/pictures", "folder for the pictures")
	mail := flag.String("mail", "", "take pictures of this mail instead, without a local system")
	name := flag.String("name", "mail", "beginning of the names of a mail's pictures")
	flag.Parse()
	if *mail != "" {
		return mailPictures(ctx, *mail, *out, *name)
	}
	env, err := actors.ReadEnv(filepath.Join(*dir, "env"), "HOSTED_UI_URL")
	if err != nil {
		return fmt.Errorf("actors.ReadEnv: %w (is the local system up?)", err)
	}
	if err := os.MkdirAll(*out, 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	app, address := env["HOSTED_UI_URL"]+"/app", "erika@"+strings.ToLower(rand.Text()[:6])+".example.net"
	take := func(name string, s size) step { return picture(filepath.Join(*out, name+".png"), s) }
	return errors.Join(
		// From a refusal to the account.
		play(ctx, desktop, false,
			visit(app), click("Create an account"), heading("Create an account"), signUp("erika@mailinator.com"),
			func(b *chromium.Browser) error { return b.Says("This email address cannot be used here.") },
			take("sign-up-refused", desktop), signUp(address), heading("Confirm your account"), take("confirm", desktop),
			fill("Code", signUpCode), click("Confirm"), signedIn, take("signed-in", desktop)),
		play(ctx, phone, false,
			visit(app), click("Sign in"), heading("Sign in"), take("sign-in-phone", phone),
			fill("Email address", address), fill("Password", password), click("Sign in"), signedIn, take("signed-in-phone", phone)),
		play(ctx, desktop, true, visit(app), click("Sign in"), heading("Sign in"), take("sign-in-dark", desktop)),
	)
}

// mailPictures shows a mail on a phone, in light and in dark mode.
func mailPictures(ctx context.Context, mail, out, name string) error {
	mail, err := filepath.Abs(mail)
	if err != nil {
		return fmt.Errorf("filepath.Abs: %w", err)
	}
	show := func(name string, dark bool) error {
		return play(ctx, phone, dark, func(b *chromium.Browser) error { return b.Visit("file://" + mail) }, picture(filepath.Join(out, name+".png"), phone))
	}
	return errors.Join(show(name+"-phone", false), show(name+"-phone-dark", true))
}

// step is what a person does or sees on a page.
type step func(*chromium.Browser) error

// play opens a browser and takes steps in turn.
func play(ctx context.Context, s size, dark bool, steps ...step) error {
	b, err := chromium.Open(ctx, s.width, s.height, dark)
	if err != nil {
		return fmt.Errorf("chromium.Open: %w", err)
	}
	defer b.Close()
	return inOrder(steps...)(b)
}

func inOrder(steps ...step) step {
	return func(b *chromium.Browser) error {
		for _, do := range steps {
			if err := do(b); err != nil {
				return err
			}
		}
		return nil
	}
}

func fill(label, text string) step {
	return func(b *chromium.Browser) error { return b.Fill(label, text) }
}

func click(text string) step { return func(b *chromium.Browser) error { return b.Click(text) } }

func heading(text string) step { return func(b *chromium.Browser) error { return b.Heading(text) } }

func visit(app string) step {
	return inOrder(func(b *chromium.Browser) error { return b.Visit(app) }, heading("Welcome"))
}

func signUp(address string) step {
	return inOrder(fill("Email address", address), fill("Password", password), fill("Password, again", password), click("Sign up"))
}

// signedIn waits for the account and for the answers that its page asks for.
func signedIn(b *chromium.Browser) error {
	if err := b.Heading("You are signed in"); err != nil {
		return err
	}
	return b.Until(`!document.body.innerText.includes("Asking …")`)
}

// picture writes a picture of the page.
func picture(path string, s size) step {
	return func(b *chromium.Browser) error {
		png, err := b.Picture(s.width, s.height)
		if err != nil {
			return fmt.Errorf("picture %s: %w", path, err)
		}
		if err := os.WriteFile(path, png, 0o644); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
		fmt.Println(path)
		return nil
	}
}
