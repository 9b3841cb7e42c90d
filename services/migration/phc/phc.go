// Package phc reads password hashes of other systems, and compares passwords with them.
//
// A hash says how expensive its own comparison is. Who can write a hash could make a
// comparison last for hours or take all memory, so [Parse] refuses parameters beyond the
// limits below. A function with 1,024 MB, which has a little more than half of a core,
// compares the most expensive ones in about two seconds.
package phc

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// The limits of a hash's parameters.
const (
	// MaxLength is the longest text of a hash.
	MaxLength = 512
	// MaxBcryptCost doubles the time with each step; 10 to 12 are usual.
	MaxBcryptCost = 13
	// MaxArgonMemory is in KiB, and MaxArgonWork in KiB times passes.
	MaxArgonMemory = 128 << 10
	MaxArgonWork   = 384 << 10
	maxArgonLanes  = 16
	// MaxIterations are those of PBKDF2.
	MaxIterations = 1_000_000

	minSalt, maxSalt = 8, 64
	minSum, maxSum   = 16, 64
)

// The errors of Parse. They contain nothing of the hash.
var (
	ErrUnknown   = errors.New("phc: not a hash of bcrypt, argon2id, pbkdf2-sha256 or pbkdf2-sha512")
	ErrMalformed = errors.New("phc: the hash is malformed")
	ErrExpensive = errors.New("phc: the parameters of the hash are beyond the limits")
)

// Hash is a hash that can be compared. The zero value matches no password.
type Hash struct {
	// Kind is bcrypt, argon2id, pbkdf2-sha256 or pbkdf2-sha512.
	Kind    string
	compare func(password string) bool
}

// Matches reports whether the hash was made of the password.
func (h Hash) Matches(password string) bool { return h.compare != nil && h.compare(password) }

// Parse reads a hash in the PHC string format
// (https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md), or in the older
// form that bcrypt uses ($2a$, $2b$ or $2y$).
func Parse(s string) (Hash, error) {
	if len(s) > MaxLength {
		return Hash{}, ErrMalformed
	}
	fields := strings.Split(s, "$")
	if len(fields) < 4 || fields[0] != "" {
		return Hash{}, ErrUnknown
	}
	switch fields[1] {
	case "2a", "2b", "2y":
		return parseBcrypt(s)
	case "argon2id":
		return parseArgon(fields[2:])
	case "pbkdf2-sha256":
		return parsePBKDF2(fields[1], sha256.New, fields[2:])
	case "pbkdf2-sha512":
		return parsePBKDF2(fields[1], sha512.New, fields[2:])
	}
	return Hash{}, ErrUnknown
}

// bcryptForm is all of a bcrypt hash: the library accepts what follows it.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

func parseBcrypt(s string) (Hash, error) {
	if !bcryptForm.MatchString(s) {
		return Hash{}, ErrMalformed
	}
	switch cost, err := bcrypt.Cost([]byte(s)); {
	case err != nil:
		return Hash{}, ErrMalformed
	case cost > MaxBcryptCost:
		return Hash{}, ErrExpensive
	}
	return Hash{"bcrypt", func(password string) bool {
		return bcrypt.CompareHashAndPassword([]byte(s), []byte(password)) == nil
	}}, nil
}

// parseArgon reads v=19, the parameters m, t and p, the salt and the sum.
func parseArgon(fields []string) (Hash, error) {
	if len(fields) != 4 || fields[0] != "v=19" {
		return Hash{}, ErrMalformed
	}
	values, err := parameters(fields[1], "m", "t", "p")
	if err != nil {
		return Hash{}, err
	}
	memory, passes, lanes := values[0], values[1], values[2]
	salt, sum, err := saltAndSum(fields[2], fields[3])
	switch {
	case err != nil:
		return Hash{}, err
	case memory < 8*lanes:
		return Hash{}, ErrMalformed
	case memory > MaxArgonMemory || passes > MaxArgonWork/memory || lanes > maxArgonLanes:
		return Hash{}, ErrExpensive
	}
	return Hash{"argon2id", func(password string) bool {
		got := argon2.IDKey([]byte(password), salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(sum)))
		return subtle.ConstantTimeCompare(got, sum) == 1
	}}, nil
}

// parsePBKDF2 reads the iterations, which are i=600000 or, as passlib writes them, 600000,
// the salt and the sum.
func parsePBKDF2(kind string, of func() hash.Hash, fields []string) (Hash, error) {
	if len(fields) != 3 {
		return Hash{}, ErrMalformed
	}
	values, err := parameters("i="+strings.TrimPrefix(fields[0], "i="), "i")
	if err != nil {
		return Hash{}, err
	}
	salt, sum, err := saltAndSum(fields[1], fields[2])
	switch {
	case err != nil:
		return Hash{}, err
	case values[0] > MaxIterations:
		return Hash{}, ErrExpensive
	}
	return Hash{kind, func(password string) bool {
		got, err := pbkdf2.Key(of, password, salt, values[0], len(sum))
		return err == nil && subtle.ConstantTimeCompare(got, sum) == 1
	}}, nil
}

// parameters reads name=number, in this order, with commas between them. Zero is not a
// valid value of any.
func parameters(s string, names ...string) ([]int, error) {
	fields := strings.Split(s, ",")
	if len(fields) != len(names) {
		return nil, ErrMalformed
	}
	values := make([]int, len(names))
	for i, name := range names {
		digits, is := strings.CutPrefix(fields[i], name+"=")
		n, err := strconv.Atoi(digits)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return nil, ErrExpensive
		case !is || err != nil || n < 1 || digits != strconv.Itoa(n):
			return nil, ErrMalformed
		}
		values[i] = n
	}
	return values, nil
}

func saltAndSum(salt, sum string) (saltBytes, sumBytes []byte, err error) {
	if saltBytes, err = decoded(salt); err != nil {
		return nil, nil, err
	}
	if sumBytes, err = decoded(sum); err != nil {
		return nil, nil, err
	}
	if len(saltBytes) < minSalt || len(saltBytes) > maxSalt || len(sumBytes) < minSum || len(sumBytes) > maxSum {
		return nil, nil, ErrMalformed
	}
	return saltBytes, sumBytes, nil
}

// decoded reads Base64 without padding. passlib writes a dot for the plus.
func decoded(s string) ([]byte, error) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(strings.ReplaceAll(s, ".", "+"))
	if err != nil {
		return nil, ErrMalformed
	}
	return raw, nil
}
