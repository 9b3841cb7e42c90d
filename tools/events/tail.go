package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

const (
	// closeLimit bounds the removal of the queue at the end, also after Ctrl-C.
	closeLimit = 15 * time.Second
	// longestTail ends before the queue counts as left behind by a run that crashed.
	longestTail = actors.Crashed - 5*time.Minute
)

// tailPrefix begins the names of the queues that tail makes.
func tailPrefix(environment string) string { return "gatehouse-" + environment + "-tail-" }

// tailer prints events as they arrive.
type tailer struct {
	inbox *actors.Inbox
	// user is the sub to show events about; empty shows those about everybody.
	user string
	json bool
	out  io.Writer
}

// tail prints events until ctx is done. What it made is deleted at the end.
func (t *tailer) tail(ctx context.Context, opened func()) (err error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if closed := t.inbox.Close(ctx); closed != nil {
			err = errors.Join(err, fmt.Errorf("the queue %s or its subscription stays; the next tail deletes it after an hour: %w", t.inbox.Name, closed))
		}
	}()
	if err := t.inbox.Open(ctx); err != nil {
		return fmt.Errorf("Inbox.Open: %w", err)
	}
	opened()
	if err := t.inbox.Follow(ctx, t.show); err != nil {
		return fmt.Errorf("Inbox.Follow: %w", err)
	}
	return nil
}

// show prints one event. The topic has no message attribute for the user.
func (t *tailer) show(a actors.Arrival) {
	ev := a.Event
	if t.user != "" && ev.Subject() != t.user {
		return
	}
	if t.json {
		// The JSON of a body can have spaces and line breaks anywhere.
		_ = json.NewEncoder(terminal.JSON(t.out)).Encode(json.RawMessage(a.Body)) // a closed pipe ends the command anyway
		return
	}
	client, _ := ev.Extensions()[contracts.ClientIDExtension].(string)
	fields := []string{
		ev.Time().UTC().Format(time.RFC3339), shortType(ev.Type()), "user=" + cmp.Or(ev.Subject(), "-"), "client=" + cmp.Or(client, "-"),
	}
	var data map[string]any
	if json.Unmarshal(ev.Data(), &data) == nil && len(data) > 0 {
		fields = append(fields, string(ev.Data()))
	}
	fmt.Fprintln(t.out, terminal.Printable(strings.Join(fields, "  ")))
}

// shortType is a type without what all have in common.
func shortType(name string) string { return strings.TrimPrefix(name, "gatehouse.") }

// typesNamed are the types that a name stands for: a whole type, with or without prefix
// and version, or the first words of several types, such as user.signin.
func typesNamed(names []string) ([]string, error) {
	var found []string
	for _, name := range names {
		known := len(found)
		wanted := strings.Trim(shortType(name), ".")
		for _, t := range contracts.Types() {
			if short := shortType(t); wanted != "" && (short == wanted || strings.HasPrefix(short, wanted+".")) {
				found = append(found, t)
			}
		}
		if len(found) == known {
			return nil, fmt.Errorf("no type of event is or begins with %q; they are: %s", name, strings.Join(contracts.Types(), ", "))
		}
	}
	return found, nil
}

// filterOf is the subscription's filter policy, so that only wanted events are copied. It is
// empty without filters.
func filterOf(types []string, client string) (string, error) {
	policy := map[string][]string{}
	if len(types) > 0 {
		policy["type"] = types
	}
	if client != "" {
		policy[contracts.ClientIDExtension] = []string{client}
	}
	if len(policy) == 0 {
		return "", nil
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("json.Marshal: %w", err)
	}
	return string(text), nil
}
