package actors

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"
)

// lost remembers that an answer to a call was lost, of the SDK's own attempts, too. The
// call may have been applied, so the next one may find its effect.
type lost struct{ attempt bool }

// watch is an option of a call.
func (l *lost) watch(o *cognito.Options) {
	if o.Retryer != nil {
		o.Retryer = watched{o.Retryer, l}
	}
}

// before reports whether an answer was lost before the one that err is.
func (l *lost) before(err error) bool { return !isLost(err) && l.attempt }

// note keeps in mind that err is a lost answer, if it is one, and returns it.
func (l *lost) note(err error) error {
	if isLost(err) {
		l.attempt = true
	}
	return err
}

// isLost reports whether it is unknown what became of the call. An API error of the
// caller's is an answer; one of the server's may follow the effect.
func isLost(err error) bool {
	var answer smithy.APIError
	return err != nil && (!errors.As(err, &answer) || answer.ErrorFault() != smithy.FaultClient)
}

// watched tells lost of each attempt that failed.
type watched struct {
	aws.Retryer
	lost *lost
}

// IsErrorRetryable is asked after each failed attempt.
func (w watched) IsErrorRetryable(err error) bool {
	return w.Retryer.IsErrorRetryable(w.lost.note(err))
}
