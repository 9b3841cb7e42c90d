package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

const (
	password   = "Correct-horse-7-battery"
	signUpCode = "123456" // the emulator's
	// disposable is a domain that signup-guard refuses.
	disposable = "mailinator.com"
	// atOnce is how many people use the system at the same time.
	atOnce = 3
)

// crowd are people who sign up and in until they are told to stop.
type crowd struct {
	env    actors.Env
	pool   actors.UserPool
	random *rand.Rand

	mu      sync.Mutex
	acts    []act
	users   []string // ids
	refused []string // what somebody got who should not have
	unclear int      // calls that failed without an answer of Cognito's
}

// use lets people use the system until stop is closed, and returns when all have ended.
func (c *crowd) use(ctx context.Context, stop <-chan struct{}) {
	var all sync.WaitGroup
	for range atOnce {
		random := rand.New(rand.NewPCG(c.random.Uint64(), 0)) //nolint:gosec // G404: a seed repeats the plan
		all.Go(func() {
			for !closed(stop) && ctx.Err() == nil {
				c.visit(ctx, random, stop)
			}
		})
	}
	all.Wait()
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// visit is one person's: a refused sign-up, or a sign-up and a few sign-ins.
func (c *crowd) visit(ctx context.Context, random *rand.Rand, stop <-chan struct{}) {
	id := uuid.NewString()[:8]
	p := &actors.Person{
		Pool: c.pool, PoolID: c.env["USER_POOL_ID"], ClientID: c.env["NATIVE_CLIENT_ID"],
		Email: "erika." + id + "@c" + id + ".example", Password: password,
	}
	domain := "c" + id + ".example"
	if random.IntN(8) == 0 {
		p.Email = "erika." + id + "@" + disposable
		err := p.SignUp(ctx)
		if actors.Refusal(err) != "" {
			err = nil
		} else if err == nil {
			err = errors.New("a disposable address was accepted")
		}
		c.did(err, "the sign-up with a disposable address", subject{contracts.TypeSignupRejected, disposable})
		return
	}
	if !c.did(p.SignUp(ctx), "a sign-up", subject{contracts.TypeSignupAllowed, domain}) || p.Sub == "" {
		return
	}
	c.mu.Lock()
	c.users = append(c.users, p.Sub)
	c.mu.Unlock()
	if !c.did(p.Confirm(ctx, signUpCode), "a confirmation", subject{contracts.TypeUserCreated, p.Sub}) {
		return
	}
	attempted, succeeded := subject{contracts.TypeSigninAttempted, p.Sub}, subject{contracts.TypeSigninSucceeded, p.Sub}
	failed := subject{contracts.TypeSigninFailed, p.Sub} // of CloudTrail's record
	for range 1 + random.IntN(4) {
		if closed(stop) {
			return
		}
		if random.IntN(5) == 0 {
			_, err := p.WrongPassword(ctx, p.SignInByPassword)
			c.did(err, "a sign-in with a wrong password", attempted, failed)
			continue
		}
		if !c.did(p.SignInByPassword(ctx, password), "a sign-in", attempted, succeeded) {
			c.may(failed)
		}
	}
}

// did keeps what a call leads to, and reports whether it succeeded.
func (c *crowd) did(err error, what string, leadsTo ...subject) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range leadsTo {
		c.acts = append(c.acts, act{s, err == nil})
	}
	switch {
	case err == nil:
		return true
	case unanswered(err):
		c.unclear++
	default:
		c.refused = append(c.refused, fmt.Sprintf("%s was refused: %v", what, err))
	}
	return false
}

// may keeps what a call that failed may have led to.
func (c *crowd) may(leadTo subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acts = append(c.acts, act{leadTo, false})
}

// unanswered reports whether a call failed in the emulator itself, and not because of a
// trigger: then the effect of the call is unknown.
func unanswered(err error) bool {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return true
	}
	var refused *types.UnexpectedLambdaException
	// The SDK knows no fault of a code that Cognito does not have, such as the emulator's InternalError.
	server := answer.ErrorFault() == smithy.FaultServer || answer.ErrorCode() == "InternalError"
	return server && !errors.As(err, &refused) && !strings.Contains(err.Error(), "Lambda")
}
