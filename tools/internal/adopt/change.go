package adopt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"gatehouse.example/tools/internal/terminal"
)

// changer changes the triggers of one pool.
type changer struct {
	api     *cognito.Client
	id      string
	command string
	// leaveOut are the settings, unknown to the SDK, that are not passed back.
	leaveOut []string
	// file is where the pool is saved before a change.
	file string
	yes  bool
	// terminal reports that a person can answer a question.
	terminal bool
	in       io.Reader
	out      io.Writer
	now      func() time.Time
	// pause is the time between two reads of the pool after a change.
	pause time.Duration
}

// looks is how often the pool is read after the change, until it is as it should be.
const looks = 5

// run reads the pool, shows what it would change, asks, and changes it.
func (c *changer) run(ctx context.Context, plan func(context.Context, pool) (map[string]any, error)) error {
	was, err := read(ctx, c.api, c.id)
	if err != nil {
		return err
	}
	if err := c.known(was); err != nil {
		return err
	}
	want, err := plan(ctx, was)
	if err != nil {
		return err
	}
	if !c.show(was, want) {
		fmt.Fprintln(c.out, "\nnothing to change")
		return nil
	}
	if err := c.ask(); err != nil {
		return err
	}
	// Somebody may have changed the pool since; this would undo it.
	now, err := read(ctx, c.api, c.id)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(was.Settings["LastModifiedDate"], now.Settings["LastModifiedDate"]) || len(differences("", was.others(), now.others())) > 0 {
		return errors.New("nothing was changed: somebody else changed the pool meanwhile; look at it again")
	}
	if err := save(c.file, saved{UserPoolID: c.id, Region: c.api.Options().Region, Time: c.now().UTC(), Pool: was}); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	undo := fmt.Sprintf("gatehouse %s --user-pool-id %s --undo %s", c.command, c.id, c.file)
	fmt.Fprintf(c.out, "\nthe pool as it is: %s\n", c.file)
	if err := write(ctx, c.api, now, want); err != nil {
		return fmt.Errorf("%w\nif the answer was lost, the triggers may have changed; to set them back: %s", err, undo)
	}
	if err := c.verify(ctx, was, want); err != nil {
		return fmt.Errorf("%w\nto set the triggers back: %s", err, undo)
	}
	fmt.Fprintf(c.out, "changed the triggers of %s; read again, and every other setting is as it was\nto undo it: %s\n", c.id, undo)
	return nil
}

// known is an error if the pool has settings that might get lost.
func (c *changer) known(p pool) error {
	unknown := slices.DeleteFunc(p.unknown(), func(name string) bool { return isEmpty(p.Settings[name]) || slices.Contains(c.leaveOut, name) })
	if len(unknown) == 0 {
		return nil
	}
	return fmt.Errorf("the pool has settings that this version does not know, and Cognito may reset what is not passed back: %s. "+
		"Nothing was changed. A newer version may know them; --leave-out NAME goes on without passing one back, and shows its value afterwards", strings.Join(unknown, ", "))
}

// show prints the pool and its triggers, and reports whether any would change.
func (c *changer) show(was pool, want map[string]any) bool {
	fmt.Fprintf(c.out, "user pool %s (%s)\n\n", c.id, terminal.Printable(was.text("Name")))
	now := was.triggers()
	all := cloned(now)
	maps.Copy(all, want)
	rows := [][]string{{"TRIGGER", "NOW", "AFTERWARDS"}}
	changes := false
	for _, name := range slices.Sorted(maps.Keys(all)) {
		before, after := shownTrigger(now[name]), shownTrigger(want[name])
		if reflect.DeepEqual(now[name], want[name]) {
			after = "as now"
		} else {
			changes = true
		}
		rows = append(rows, []string{name, before, after})
	}
	_ = terminal.Table(c.out, rows...) // a closed terminal must not stop a detach
	return changes
}

// shownTrigger is a trigger as the table shows it.
func shownTrigger(value any) string {
	text := functionARN(value)
	if text == "" {
		return "nothing"
	}
	if members, is := value.(map[string]any); is {
		if version, is := members["LambdaVersion"].(string); is {
			text += " " + version
		}
	}
	return terminal.Printable(text)
}

func (c *changer) ask() error {
	switch {
	case c.yes:
		return nil
	case !c.terminal:
		return errors.New("nothing was changed: no terminal for the question. To continue without it, add --yes")
	}
	return terminal.Ask(c.in, c.out, "The change takes effect at the next sign-up and sign-in. Change the triggers?", "yes", "--yes")
}

// verify reads the pool until its triggers are as they should be and everything else is as
// it was. What Cognito did to the MFA configuration is set back.
func (c *changer) verify(ctx context.Context, was pool, want map[string]any) error {
	var wrong []string
	for range looks {
		is, err := read(ctx, c.api, c.id)
		if err != nil {
			return fmt.Errorf("the triggers were changed, but could not be read again: %w", err)
		}
		wrong = append(differences("LambdaConfig", want, is.triggers()), differences("", was.others(), is.others())...)
		if len(wrong) == 0 {
			return nil
		}
		if lost := differences("", was.MFA, is.MFA); len(lost) > 0 {
			if err := setMFA(ctx, c.api, c.id, was.MFA); err != nil {
				return fmt.Errorf("the change reset the MFA configuration, and it could not be set back: %w\n  %s", err, strings.Join(lost, "\n  "))
			}
			fmt.Fprintf(c.out, "the MFA configuration was reset, and is set back: %s\n", strings.Join(lost, "; "))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the triggers were changed, but not verified: %w", ctx.Err())
		case <-time.After(c.pause):
		}
	}
	return fmt.Errorf("the triggers were changed, but the pool is not as it should be; %s has all its settings as they were:\n  %s", c.file, strings.Join(wrong, "\n  "))
}
