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
	"regexp"
	"strings"

	"gatehouse.example/e2e/chromium"
)

const (
	password   = "Correct-horse-7-battery"
	signUpCode = "123456" // the emulator's
	// A phone is as wide as the narrowest that is common.
	phoneWidth, phoneHeight     = 360, 640
	desktopWidth, desktopHeight = 900, 620
)

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
	flag.Parse()
	env, err := os.ReadFile(filepath.Join(*dir, "env"))
	if err != nil {
		return fmt.Errorf("os.ReadFile: %w (is the local system up?)", err)
	}
	origin := regexp.MustCompile(`(?m)^export HOSTED_UI_URL=(\S+)$`).FindSubmatch(env)
	if origin == nil {
		return errors.New("no HOSTED_UI_URL in the env file")
	}
	if err := os.MkdirAll(*out, 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	a := album{app: string(origin[1]) + "/app", out: *out}
	address := "erika@" + strings.ToLower(rand.Text()[:6]) + ".example.net"
	return errors.Join(a.desktop(ctx, address), a.phone(ctx, address), a.dark(ctx))
}

// album takes pictures of the app page and of what it leads to.
type album struct{ app, out string }

// desktop is the way from a refusal to the account.
func (a album) desktop(ctx context.Context, address string) error {
	b, err := chromium.Open(ctx, desktopWidth, desktopHeight, false)
	if err != nil {
		return fmt.Errorf("chromium.Open: %w", err)
	}
	defer b.Close()
	signUp := func(address string) []func() error {
		return []func() error{
			func() error { return b.Fill("Email address", address) },
			func() error { return b.Fill("Password", password) },
			func() error { return b.Fill("Password, again", password) },
			func() error { return b.Click("Sign up") },
		}
	}
	steps := []func() error{
		func() error { return b.Visit(a.app) },
		func() error { return b.Heading("Welcome") },
		func() error { return b.Click("Create an account") },
		func() error { return b.Heading("Create an account") },
	}
	steps = append(steps, signUp("erika@mailinator.com")...)
	steps = append(steps, func() error { return b.Says("This email address cannot be used here.") }, a.take(b, "sign-up-refused", false))
	steps = append(steps, signUp(address)...)
	steps = append(steps,
		func() error { return b.Heading("Confirm your account") }, a.take(b, "confirm", false),
		func() error { return b.Fill("Code", signUpCode) },
		func() error { return b.Click("Confirm") },
		func() error { return b.Heading("You are signed in") },
		func() error { return b.Until(`!document.body.innerText.includes("Asking …")`) },
		a.take(b, "signed-in", false),
	)
	return inOrder(steps)
}

// phone signs in on a narrow screen.
func (a album) phone(ctx context.Context, address string) error {
	b, err := chromium.Open(ctx, phoneWidth, phoneHeight, false)
	if err != nil {
		return fmt.Errorf("chromium.Open: %w", err)
	}
	defer b.Close()
	return inOrder([]func() error{
		func() error { return b.Visit(a.app) },
		func() error { return b.Heading("Welcome") },
		func() error { return b.Click("Sign in") },
		func() error { return b.Heading("Sign in") },
		a.take(b, "sign-in-phone", true),
		func() error { return b.Fill("Email address", address) },
		func() error { return b.Fill("Password", password) },
		func() error { return b.Click("Sign in") },
		func() error { return b.Heading("You are signed in") },
		func() error { return b.Until(`!document.body.innerText.includes("Asking …")`) },
		a.take(b, "signed-in-phone", true),
	})
}

// dark is the sign-in page in dark colours.
func (a album) dark(ctx context.Context) error {
	b, err := chromium.Open(ctx, desktopWidth, desktopHeight, true)
	if err != nil {
		return fmt.Errorf("chromium.Open: %w", err)
	}
	defer b.Close()
	return inOrder([]func() error{
		func() error { return b.Visit(a.app) },
		func() error { return b.Heading("Welcome") },
		func() error { return b.Click("Sign in") },
		func() error { return b.Heading("Sign in") },
		a.take(b, "sign-in-dark", false),
	})
}

// take writes a picture.
func (a album) take(b *chromium.Browser, name string, phone bool) func() error {
	return func() error {
		width, height := desktopWidth, desktopHeight
		if phone {
			width, height = phoneWidth, phoneHeight
		}
		png, err := b.Picture(width, height)
		if err != nil {
			return fmt.Errorf("picture %s: %w", name, err)
		}
		path := filepath.Join(a.out, name+".png")
		if err := os.WriteFile(path, png, 0o644); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
		fmt.Println(path)
		return nil
	}
}

func inOrder(steps []func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
