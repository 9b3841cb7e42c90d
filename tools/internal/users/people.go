package users

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/mail"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/services/migration/phc"
)

// Person is a line of a file of people.
type Person struct {
	Address    string            `json:"address"`
	Verified   bool              `json:"emailVerified"`
	Hash       string            `json:"hash,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`

	line int
}

// Problem is what is wrong with a line. It contains nothing of the line but names of
// attributes.
type Problem struct {
	Line int
	Text string
}

const (
	// maxLine is the longest line, and maxProblems how many are printed.
	maxLine     = 1 << 20
	maxProblems = 20
	maxAddress  = 254
)

// readPeople reads CSV with a header, if the file's name ends in .csv, or else JSON lines.
// Lines that cannot be read are problems, and the others are read all the same.
func readPeople(file string) ([]Person, []Problem, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	if !utf8.Valid(raw) {
		return nil, nil, errors.New("the file is not UTF-8")
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // a spreadsheet's
	if strings.HasSuffix(strings.ToLower(file), ".csv") {
		return readCSV(bytes.NewReader(raw))
	}
	return readLines(bytes.NewReader(raw))
}

func readLines(r io.Reader) (people []Person, problems []Problem, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var e exported // a backup may be imported
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if d.Decode(&e) != nil || d.More() {
			problems = append(problems, Problem{n, "not a JSON object with address, emailVerified, hash and attributes, of which attributes are texts"})
			continue
		}
		e.line = n
		people = append(people, e.Person)
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("bufio.Scanner: %w", err)
	}
	return people, problems, nil
}

// readCSV reads the columns email, email_verified and hash; the others are attributes.
func readCSV(r io.Reader) (people []Person, problems []Problem, err error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	header, err := rows.Read()
	if err != nil {
		return nil, nil, errors.New("the file has no header")
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	if !slices.Contains(header, "email") {
		return nil, nil, errors.New("the header has no column email")
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return people, problems, nil
		}
		n, _ := rows.FieldPos(0)
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			problems = append(problems, Problem{bad.StartLine, "not CSV"})
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("csv.Reader: %w", err)
		}
		if len(row) != len(header) {
			problems = append(problems, Problem{n, fmt.Sprintf("%d columns, and the header has %d", len(row), len(header))})
			continue
		}
		p := Person{line: n, Attributes: map[string]string{}}
		for i, name := range header {
			switch {
			case name == "email":
				p.Address = row[i]
			case name == "email_verified":
				p.Verified = strings.EqualFold(row[i], "true")
			case name == "hash":
				p.Hash = row[i]
			case row[i] != "":
				p.Attributes[name] = row[i]
			}
		}
		people = append(people, p)
	}
}

// normal is an address in the form in which a pool compares it.
func normal(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// check finds everything that an import would stumble over, before it begins. With
// hashes, each person needs one. Without a schema the names of attributes are not checked.
func check(people []Person, schema []types.SchemaAttributeType, hashes bool) (problems []Problem) {
	known := map[string]types.SchemaAttributeType{}
	for _, a := range schema {
		known[aws.ToString(a.Name)] = a
	}
	first := map[string]int{}
	for _, p := range people {
		add := func(format string, args ...any) {
			problems = append(problems, Problem{p.line, fmt.Sprintf(format, args...)})
		}
		address := normal(p.Address)
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || len(address) > maxAddress || strings.ContainsAny(address, `"\ `) {
			add("the address is malformed")
		} else if n, twice := first[address]; twice {
			add("the same address as in line %d", n)
		} else {
			first[address] = p.line
		}
		switch _, err := phc.Parse(p.Hash); {
		case hashes && p.Hash == "":
			add("no hash")
		case hashes && err != nil:
			add("%v", err)
		case !hashes && p.Hash != "":
			add("a hash, which a pool does not take: use --into table")
		case !hashes && !p.Verified:
			add("the address is not verified, so this person could never get a code for a new password")
		}
		for _, name := range slices.Sorted(maps.Keys(p.Attributes)) {
			if text := attributeProblem(name, p.Attributes[name], known); text != "" {
				add("%s: %s", name, text)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			if a := known[name]; aws.ToBool(a.Required) && name != "sub" && name != "email" && p.Attributes[name] == "" {
				add("%s: the pool requires it", name)
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	return problems
}

// maxValue is Cognito's limit of a value.
const maxValue = 2048

func attributeProblem(name, value string, known map[string]types.SchemaAttributeType) string {
	if slices.Contains([]string{"sub", "email", "email_verified", "identities"}, name) || strings.HasPrefix(name, "cognito:") || strings.HasPrefix(name, "dev:") {
		return "this attribute cannot be imported"
	}
	a, is := known[name]
	length := utf8.RuneCountInString(value)
	switch {
	case len(known) > 0 && !is:
		return "the pool has no such attribute"
	case length > maxValue:
		return "longer than 2048 characters"
	case a.StringAttributeConstraints != nil:
		least, _ := strconv.Atoi(aws.ToString(a.StringAttributeConstraints.MinLength))
		most, err := strconv.Atoi(aws.ToString(a.StringAttributeConstraints.MaxLength))
		if length < least || err == nil && length > most {
			return "its length is outside of what the pool allows"
		}
	case a.AttributeDataType == types.AttributeDataTypeNumber:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "not a number"
		}
	case a.AttributeDataType == types.AttributeDataTypeBoolean && value != "true" && value != "false":
		return "neither true nor false"
	}
	return ""
}

// report prints problems, and is an error if there are any.
func report(w io.Writer, file string, problems []Problem) error {
	for i, p := range problems {
		if i == maxProblems {
			fmt.Fprintf(w, "  and %d more\n", len(problems)-i)
			break
		}
		fmt.Fprintf(w, "  %s:%d: %s\n", file, p.Line, p.Text)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problems; nothing was changed", len(problems))
	}
	return nil
}
