package phc_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"gatehouse.example/services/migration/phc"
)

const password = "correct horse battery staple"

// Hashes of other programs: of Python's passlib 1.7.4, argon2-cffi and htpasswd, all of "password".
const (
	foreignBcrypt = "$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe"
	foreignArgon  = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	foreignPBKDF2 = "$pbkdf2-sha256$i=1,l=20$x$y"
)

// TestForeignHashes: test vectors that other implementations publish.
func TestForeignHashes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ hash, password string }{
		// https://github.com/P-H-C/phc-winner-argon2/blob/master/src/test.c
		"argon2id": {foreignArgon, "password"},
		// https://github.com/openwall/crypt_blowfish, and the example of htpasswd's manual.
		"bcrypt_2a": {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		"bcrypt_2y": {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		// https://passlib.readthedocs.io/en/stable/lib/passlib.hash.pbkdf2_digest.html
		"passlib": {"$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44", "password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := phc.Parse(tc.hash)
			if err != nil || !h.Matches(tc.password) || h.Matches(tc.password+"x") || h.Matches("") {
				t.Errorf("Parse: %v; matches %v", err, h.Matches(tc.password))
			}
		})
	}
}

func b64(s []byte) string { return base64.RawStdEncoding.EncodeToString(s) }

func TestOwnHashes(t *testing.T) {
	t.Parallel()
	salt := []byte("0123456789abcdef")
	cheap, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for kind, hash := range map[string]string{
		"bcrypt":   string(cheap),
		"argon2id": "$argon2id$v=19$m=256,t=1,p=2$" + b64(salt) + "$" + b64(argon2.IDKey([]byte(password), salt, 1, 256, 2, 32)),
	} {
		h, err := phc.Parse(hash)
		if err != nil || h.Kind != kind || !h.Matches(password) || h.Matches("Correct horse battery staple") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if (phc.Hash{}).Matches("") {
		t.Error("the zero value matches")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	salt, sum := b64([]byte("0123456789abcdef")), b64([]byte("0123456789abcdef0123456789abcdef"))
	argon := func(parameters string) string { return "$argon2id$v=19$" + parameters + "$" + salt + "$" + sum }
	for name, tc := range map[string]struct {
		hash string
		want error
	}{
		"empty":               {"", phc.ErrUnknown},
		"plain_text":          {password, phc.ErrUnknown},
		"md5":                 {"$1$abc$def", phc.ErrUnknown},
		"argon2i":             {"$argon2i$v=19$m=256,t=1,p=1$" + salt + "$" + sum, phc.ErrUnknown},
		"no_dollar":           {"x$argon2id$v=19$a", phc.ErrUnknown},
		"long":                {"$argon2id$" + strings.Repeat("x", 600), phc.ErrMalformed},
		"bcrypt_short":        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", phc.ErrMalformed},
		"bcrypt_and_more":     {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx", phc.ErrMalformed},
		"bcrypt_cost":         {"$2a$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", phc.ErrExpensive},
		"bcrypt_cost_31":      {"$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", phc.ErrExpensive},
		"argon_old_version":   {"$argon2id$v=16$m=256,t=1,p=1$" + salt + "$" + sum, phc.ErrMalformed},
		"argon_no_version":    {"$argon2id$m=256,t=1,p=1$" + salt + "$" + sum, phc.ErrMalformed},
		"argon_order":         {argon("t=1,m=256,p=1"), phc.ErrMalformed},
		"argon_zero":          {argon("m=256,t=0,p=1"), phc.ErrMalformed},
		"argon_negative":      {argon("m=256,t=-1,p=1"), phc.ErrMalformed},
		"argon_leading_zero":  {argon("m=0256,t=1,p=1"), phc.ErrMalformed},
		"argon_memory":        {argon("m=131073,t=1,p=1"), phc.ErrExpensive},
		"argon_work":          {argon("m=131072,t=4,p=1"), phc.ErrExpensive},
		"argon_passes":        {argon("m=8,t=4294967295,p=1"), phc.ErrExpensive},
		"argon_lanes":         {argon("m=2048,t=1,p=17"), phc.ErrExpensive},
		"argon_lanes_wrap":    {argon("m=2048,t=1,p=256"), phc.ErrExpensive},
		"argon_little_memory": {argon("m=8,t=1,p=2"), phc.ErrMalformed},
		"argon_huge":          {argon("m=99999999999999999999,t=1,p=1"), phc.ErrExpensive},
		"no_salt":             {"$argon2id$v=19$m=256,t=1,p=1$$" + sum, phc.ErrMalformed},
		"short_sum":           {"$argon2id$v=19$m=256,t=1,p=1$" + salt + "$AAAA", phc.ErrMalformed},
		"padding":             {"$argon2id$v=19$m=256,t=1,p=1$" + salt + "$" + sum + "=", phc.ErrMalformed},
		"pbkdf2_iterations":   {"$pbkdf2-sha512$i=1000001$" + salt + "$" + sum, phc.ErrExpensive},
		"pbkdf2_zero":         {"$pbkdf2-sha512$i=0$" + salt + "$" + sum, phc.ErrMalformed},
		"pbkdf2_more":         {foreignPBKDF2, phc.ErrMalformed},
		"pbkdf2_sha1":         {"$pbkdf2$1000$" + salt + "$" + sum, phc.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if h, err := phc.Parse(tc.hash); !errors.Is(err, tc.want) || h.Matches(password) {
				t.Errorf("Parse = %v, want %v", err, tc.want)
			}
		})
	}
}

// BenchmarkDearest: what Parse accepts is compared in about a second of a core, and so
// within the time of the function.
func BenchmarkDearest(b *testing.B) {
	salt, sum := b64([]byte("0123456789abcdef")), b64([]byte("0123456789abcdef0123456789abcdef"))
	for _, hash := range []string{
		"$2a$13$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$argon2id$v=19$m=131072,t=3,p=1$" + salt + "$" + sum,
		"$pbkdf2-sha512$i=1000000$" + salt + "$" + sum,
	} {
		h, err := phc.Parse(hash)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(h.Kind, func(b *testing.B) {
			for b.Loop() {
				if h.Matches(password) {
					b.Error("it matches")
				}
			}
		})
	}
}

// FuzzParse: every text is a hash within the limits or one of the three errors.
func FuzzParse(f *testing.F) {
	f.Add(foreignBcrypt)
	f.Add(foreignArgon)
	f.Add(foreignPBKDF2)
	f.Add("$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := phc.Parse(s)
		known := errors.Is(err, phc.ErrUnknown) || errors.Is(err, phc.ErrMalformed) || errors.Is(err, phc.ErrExpensive)
		if err == nil && h.Kind == "" || err != nil && !known {
			t.Fatalf("Parse(%q) = %+v, %v", s, h, err)
		}
		if err != nil && len(s) > 8 && strings.Contains(err.Error(), s) {
			t.Errorf("the error quotes the hash")
		}
	})
}
