package users

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// listPause keeps a sixth of Cognito's quota of ListUsers, 30 calls a second.
const listPause = 200 * time.Millisecond

// each calls f for every user of a pool.
func each(ctx context.Context, c pool, id string, pause time.Duration, f func(types.UserType) error) error {
	pages := cognito.NewListUsersPaginator(c, &cognito.ListUsersInput{UserPoolId: &id, Limit: aws.Int32(60)})
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return failure("ListUsers", err)
		}
		for _, u := range out.Users {
			if err := f(u); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
	return nil
}

// exported is a user in a backup. Its first fields are those of a Person, so that it can
// be imported.
type exported struct {
	Person

	Sub      string    `json:"sub"`
	Status   string    `json:"status"`
	Enabled  bool      `json:"enabled"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
}

func export(u types.UserType) exported {
	e := exported{Status: string(u.UserStatus), Enabled: u.Enabled, Created: aws.ToTime(u.UserCreateDate).UTC(), Modified: aws.ToTime(u.UserLastModifiedDate).UTC()}
	e.Attributes = map[string]string{}
	for _, a := range u.Attributes {
		switch name, value := aws.ToString(a.Name), aws.ToString(a.Value); name {
		case "sub":
			e.Sub = value
		case "email":
			e.Address = value
		case "email_verified":
			e.Verified = value == "true"
		default:
			if name != "identities" && !strings.HasPrefix(name, "cognito:") {
				e.Attributes[name] = value
			}
		}
	}
	return e
}

// notHeld is what no backup of a pool can have.
const notHeld = `This file does not have, because Cognito gives it to nobody: passwords, second factors and
their secrets, passkeys, remembered devices, and tokens. Whoever is imported from it sets a
new password and gets another sub. It does not have the groups of the users either, nor the
links to identity providers.`

// exportTo writes a new file that only its owner can read.
func exportTo(ctx context.Context, c pool, id, file string, pause time.Duration) (n int, err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("os.OpenFile: %w", err)
	}
	defer func() {
		if closed := f.Close(); err == nil && closed != nil {
			err = fmt.Errorf("os.File.Close: %w", closed)
		}
	}()
	err = each(ctx, c, id, pause, func(u types.UserType) error {
		line, err := json.Marshal(export(u))
		if err != nil {
			return fmt.Errorf("json.Marshal: %w", err)
		}
		n++
		_, err = f.Write(append(line, '\n'))
		return err
	})
	return n, err
}

// arrivals are when the people of a list came into a pool.
type arrivals struct {
	people int
	came   []time.Time
}

func arrivalsOf(ctx context.Context, c pool, id string, people []Person, pause time.Duration) (arrivals, error) {
	waiting := map[string]bool{}
	for _, p := range people {
		waiting[normal(p.Address)] = true
	}
	a := arrivals{people: len(waiting)}
	err := each(ctx, c, id, pause, func(u types.UserType) error {
		if address := normal(export(u).Address); waiting[address] {
			delete(waiting, address)
			a.came = append(a.came, aws.ToTime(u.UserCreateDate))
		}
		return nil
	})
	return a, err
}

const week = 7 * 24 * time.Hour

// outlook is what a forecast says.
type outlook struct {
	people, in, lastWeek, weekBefore int
	// coming is how many more are going to come, and quiet when fewer than one comes in a week.
	// Without two weeks of arrivals, or while they do not become fewer, there is no forecast.
	coming int
	quiet  time.Time
	known  bool
}

// forecast extrapolates: in each week the same share comes of those who came in the week
// before. That is what people do who come when they need to.
func forecast(a arrivals, now time.Time) outlook {
	o := outlook{people: a.people, in: len(a.came)}
	for _, at := range a.came {
		switch age := now.Sub(at); {
		case age <= week:
			o.lastWeek++
		case age <= 2*week:
			o.weekBefore++
		}
	}
	missing := o.people - o.in
	switch {
	case missing == 0:
		o.quiet, o.known = now, true
	case o.lastWeek == 0 && o.weekBefore > 0:
		o.quiet, o.known = now, true
	case o.lastWeek > 0 && o.lastWeek < o.weekBefore:
		share := float64(o.lastWeek) / float64(o.weekBefore)
		o.coming = min(missing, int(math.Round(float64(o.lastWeek)*share/(1-share))))
		weeks := math.Ceil(math.Log(1/float64(o.lastWeek)) / math.Log(share))
		o.quiet, o.known = now.Add(time.Duration(weeks)*week), true
	}
	return o
}

func (o outlook) print(w io.Writer) {
	share := 100.0
	if o.people > 0 {
		share = 100 * float64(o.in) / float64(o.people)
	}
	fmt.Fprintf(w, "%d of %d people are in (%.1f %%); %d came in the last seven days, %d in the seven before\n", o.in, o.people, share, o.lastWeek, o.weekBefore)
	switch {
	case o.people == o.in:
		fmt.Fprintln(w, "Everybody is in: the trigger can go.")
	case !o.known:
		fmt.Fprintln(w, "There is no forecast: it needs two weeks in which fewer people came from one to the other.")
	default:
		fmt.Fprintf(w, "About %d more are going to come. From %s on it is less than one in a week, and the trigger can go.\n", o.coming, o.quiet.UTC().Format(time.DateOnly))
		fmt.Fprintf(w, "About %d are not going to come by themselves: import them, and they set a new password when they come.\n", o.people-o.in-o.coming)
	}
}

// standing is how far a move from one pool to another is.
type standing struct {
	// missing are those that the new pool does not have.
	missing []Person
	// asleep were moved, and have not set a password since: their user was not changed.
	asleep, awake int
	// cannot are those that have no verified address.
	cannot int
}

// settled is how long creating a user and setting its password may take.
const settled = time.Minute

func standingOf(ctx context.Context, c pool, from, to string, pause time.Duration) (standing, error) {
	there := map[string]exported{}
	if err := each(ctx, c, to, pause, func(u types.UserType) error {
		e := export(u)
		there[normal(e.Address)] = e
		return nil
	}); err != nil {
		return standing{}, err
	}
	var s standing
	err := each(ctx, c, from, pause, func(u types.UserType) error {
		e := export(u)
		moved, is := there[normal(e.Address)]
		switch {
		case !e.Verified || e.Address == "":
			s.cannot++
		case !is || moved.Status == string(types.UserStatusTypeForceChangePassword): // the latter is half-created
			e.line = len(s.missing) + 1
			s.missing = append(s.missing, e.Person)
		case moved.Modified.Sub(moved.Created) < settled:
			s.asleep++
		default:
			s.awake++
		}
		return nil
	})
	return s, err
}

func (s standing) print(w io.Writer) {
	fmt.Fprintf(w, "%d people are not in the new pool yet\n%d are, and have not come since\n%d are, and have come\n%d have no verified address, so they cannot be moved\n",
		len(s.missing), s.asleep, s.awake, s.cannot)
}
