// Command old-system answers Gatehouse's questions about people of an old system, from a
// file. It is an example of the endpoint that services/migration asks: take it as it is, or
// write the same in the language of your system.
//
//	export GATEHOUSE_SECRET=...      # aws secretsmanager get-secret-value --secret-id gatehouse/dev/migration/old-system
//	go run . -listen 127.0.0.1:8080 -users users.jsonl
//
// It speaks HTTP, for a reverse proxy with a certificate in front of it.
package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

const (
	// maxQuestion is the longest question, and maxAge how old a question may be: whoever has
	// seen one cannot ask it again later.
	maxQuestion = 64 << 10
	maxAge      = 5 * time.Minute
)

func main() {
	slog.Error("old-system ends", "error", serve().Error())
	os.Exit(1)
}

// serve ends with an error only.
func serve() error {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	users := flag.String("users", "users.jsonl", "file of people, one JSON object in a line")
	flag.Parse()
	secret := os.Getenv("GATEHOUSE_SECRET")
	if len(secret) < 32 {
		return errors.New("GATEHOUSE_SECRET needs at least 32 characters: the secret gatehouse/{environment}/migration/old-system")
	}
	people, err := readPeople(*users)
	if err != nil {
		return err
	}
	slog.Info("listening", "people", len(people), "address", *listen)
	server := &http.Server{
		Addr: *listen, Handler: &system{people: people, secret: []byte(secret), now: time.Now},
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	return fmt.Errorf("http.Server.ListenAndServe: %w", server.ListenAndServe())
}

// person is a line of the file.
type person struct {
	Address       string            `json:"address"`
	Hash          string            `json:"hash"`
	EmailVerified bool              `json:"emailVerified"`
	Attributes    map[string]string `json:"attributes"`
}

// readPeople reads the file. The keys are addresses in lower case, as questions have them.
func readPeople(file string) (map[string]person, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("os.Open: %w", err)
	}
	defer func() { _ = f.Close() }()
	people := map[string]person{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var p person
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil || p.Address == "" || p.Hash == "" {
			return nil, fmt.Errorf("%s: line %d is not a person", file, n)
		}
		people[strings.ToLower(p.Address)] = p
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("bufio.Scanner: %w", err)
	}
	return people, nil
}

// system answers questions.
type system struct {
	people map[string]person
	secret []byte
	now    func() time.Time
}

// ServeHTTP answers one question. The log has no address and no password.
func (s *system) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "not a question", http.StatusBadRequest)
		return
	}
	if !s.signed(r.Header, body) {
		slog.Warn("a question with a wrong signature")
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	var q struct {
		Version                   int
		Action, Address, Password string
	}
	if json.Unmarshal(body, &q) != nil || q.Version != 1 {
		http.Error(w, "not a question of version 1", http.StatusBadRequest)
		return
	}
	p, known := s.people[q.Address]
	found := known
	if q.Action != "find" {
		// Somebody unknown costs as much as somebody known.
		hash := dummy
		if known {
			hash = p.Hash
		}
		found = matches(hash, q.Password) && known
	}
	answer := map[string]any{"found": found}
	if found {
		answer = map[string]any{"found": true, "address": q.Address, "emailVerified": p.EmailVerified, "attributes": p.Attributes}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// signed reports whether the question is Gatehouse's, and new.
func (s *system) signed(h http.Header, body []byte) bool {
	timestamp := h.Get("Gatehouse-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := s.now().Sub(time.Unix(seconds, 0)); err != nil || age > maxAge || age < -maxAge {
		return false
	}
	mac := hmac.New(sha256.New, s.secret)
	_, _ = io.WriteString(mac, timestamp+"\n")
	_, _ = io.Copy(mac, bytes.NewReader(body))
	return hmac.Equal([]byte("v1="+hex.EncodeToString(mac.Sum(nil))), []byte(h.Get("Gatehouse-Signature")))
}

// dummy is a hash that no password is compared with otherwise.
const dummy = "$2a$10$vvlrQSGugDhnMrpjrDg1r.BNjIIYozU941u2XrITwcX8MKztPLwSi"

var errHash = errors.New("not a hash of bcrypt, argon2id or pbkdf2-sha256")

// matches compares a password with a hash of bcrypt, argon2id or PBKDF2.
func matches(hash, password string) bool {
	fields := strings.Split(hash, "$")
	switch {
	case strings.HasPrefix(hash, "$2"):
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	case len(fields) == 6 && fields[1] == "argon2id":
		var memory, passes uint32
		var lanes uint8
		if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || passes == 0 || lanes == 0 {
			break
		}
		salt, sum, err := decoded(fields[4], fields[5])
		return err == nil && subtle.ConstantTimeCompare(argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(sum))), sum) == 1
	case len(fields) == 5 && fields[1] == "pbkdf2-sha256":
		iterations, err := strconv.Atoi(strings.TrimPrefix(fields[2], "i="))
		if err != nil {
			break
		}
		salt, sum, err := decoded(fields[3], fields[4])
		if err != nil {
			break
		}
		key, err := pbkdf2.Key(sha256.New, password, salt, iterations, len(sum))
		return err == nil && subtle.ConstantTimeCompare(key, sum) == 1
	}
	slog.Error("a hash cannot be compared", "error", errHash.Error())
	return false
}

func decoded(salt, sum string) (saltBytes, sumBytes []byte, err error) {
	if saltBytes, err = base64.RawStdEncoding.DecodeString(salt); err == nil {
		sumBytes, err = base64.RawStdEncoding.DecodeString(sum)
	}
	if err != nil || len(sumBytes) == 0 {
		return nil, nil, errHash
	}
	return saltBytes, sumBytes, nil
}
