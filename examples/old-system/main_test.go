package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	secret   = "0123456789abcdef0123456789abcdef"
	password = "correct horse battery staple"
)

func moment() time.Time { return time.Unix(1796029200, 0) }

// ask asks with this timestamp, signed with this secret.
func ask(t *testing.T, timestamp, key, body string) (status int, answer string) {
	t.Helper()
	people, err := readPeople("users.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + "\n" + body))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader([]byte(body)))
	r.Header.Set("Gatehouse-Timestamp", timestamp)
	r.Header.Set("Gatehouse-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	(&system{people: people, secret: []byte(secret), now: moment}).ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const now = "1796029200"
	signIn := func(address, password string) string {
		return `{"version":1,"action":"sign-in","address":"` + address + `","password":"` + password + `"}`
	}
	for name, tc := range map[string]struct {
		timestamp, key, body string
		status               int
		answer               string
	}{
		"bcrypt":         {now, secret, signIn("ada@example.org", password), 200, `{"address":"ada@example.org","attributes":{"name":"Ada Lovelace"},"emailVerified":true,"found":true}`},
		"argon2":         {now, secret, signIn("grace@example.org", password), 200, `{"address":"grace@example.org","attributes":{"given_name":"Grace","locale":"en"},"emailVerified":true,"found":true}`},
		"pbkdf2":         {now, secret, signIn("alan@example.org", password), 200, `{"address":"alan@example.org","attributes":null,"emailVerified":false,"found":true}`},
		"wrong_password": {now, secret, signIn("ada@example.org", "x"), 200, `{"found":false}`},
		"unknown":        {now, secret, signIn("nobody@example.org", password), 200, `{"found":false}`},
		"find":           {now, secret, `{"version":1,"action":"find","address":"alan@example.org"}`, 200, `{"address":"alan@example.org","attributes":null,"emailVerified":false,"found":true}`},
		"find_nobody":    {now, secret, `{"version":1,"action":"find","address":"nobody@example.org"}`, 200, `{"found":false}`},
		"no_action":      {now, secret, `{"version":1,"address":"ada@example.org"}`, 200, `{"found":false}`},
		"other_version":  {now, secret, `{"version":2}`, 400, "not a question of version 1"},
		"other_secret":   {now, "x" + secret, signIn("ada@example.org", password), 401, "wrong signature"},
		"old":            {"1796028000", secret, signIn("ada@example.org", password), 401, "wrong signature"},
		"no_time":        {"", secret, signIn("ada@example.org", password), 401, "wrong signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if status, answer := ask(t, tc.timestamp, tc.key, tc.body); status != tc.status || answer != tc.answer {
				t.Errorf("%d %s, want %d %s", status, answer, tc.status, tc.answer)
			}
		})
	}
}

// FuzzMatches: no hash matches a password that it was not made of, and none panics.
func FuzzMatches(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2hpamtsbW5vcA")
	f.Add("$pbkdf2-sha256$i=1$YWJjZGVmZ2g$YWJjZGVmZ2hpamtsbW5vcA")
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.Contains(hash, ",") && !strings.Contains(hash, "m=8,t=1,p=1") || strings.HasPrefix(hash, "$2") || strings.Contains(hash, "i=") && !strings.Contains(hash, "i=1$") {
			t.Skip("it may be expensive: the file is the operator's own")
		}
		if matches(hash, password) {
			t.Errorf("%q matches", hash)
		}
	})
}

// TestSignature: the vector that Gatehouse is tested with, too.
func TestSignature(t *testing.T) {
	t.Parallel()
	h := http.Header{"Gatehouse-Timestamp": {"1796029200"}, "Gatehouse-Signature": {"v1=706d37cd3710bdf16afb2b780e3679344ad331937abc0a700d5e58d1363445dc"}}
	if !(&system{secret: []byte(secret), now: moment}).signed(h, []byte(`{"version":1,"action":"find","address":"ada@example.org"}`)) {
		t.Error("a question of Gatehouse is refused")
	}
}

func TestPeopleThatAreNone(t *testing.T) {
	t.Parallel()
	if _, err := readPeople("main.go"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("readPeople: %v", err)
	}
}
