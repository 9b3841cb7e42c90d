package signinrecords

import (
	"slices"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
)

// Why a record of the pool is ignored on purpose.
const (
	// SignedIn is a success, which the PostAuthentication trigger reports.
	SignedIn = "signed-in"
	// StepPassed is an answer that leads to the next step.
	StepPassed = "step-passed"
	// TokenRefresh is a request for new tokens: nobody signs in.
	TokenRefresh = "token-refresh"
	// FromProvider is the answer of an identity provider.
	FromProvider = "from-a-provider"
)

// Reasons for which an unknown record is kept in the dead-letter queue. `gatehouse events
// dead replay` sends it again after the tables were extended.
const (
	NotARecord    consume.Poison = "not_a_record"
	UnknownName   consume.Poison = "unknown_name"
	UnknownCode   consume.Poison = "unknown_error_code"
	UnknownStatus consume.Poison = "unknown_status"
	NoPool        consume.Poison = "no_pool"
	UnusualName   consume.Poison = "unusual_name"
)

// Verdict is what a record of the pool becomes.
type Verdict struct {
	// Failed is the data of the event; nil if the record is ignored.
	Failed *contracts.SigninFailed
	// Ignored says why it is ignored.
	Ignored string
	// Source says how sure the line of the tables is that decided.
	Source Source
}

// Judge says what a record of the pool becomes. The error is one of the reasons above.
func Judge(r cloudtrail.Record) (Verdict, error) {
	name, found := nameOf(r)
	if !found {
		return Verdict{}, UnknownName
	}
	if name.Counted {
		return Verdict{Ignored: FromProvider, Source: name.Source}, nil
	}
	if isRefresh(r) {
		return Verdict{Ignored: TokenRefresh, Source: Documentation}, nil
	}
	data := contracts.SigninFailed{Via: contracts.ViaAPI, Challenge: challengeOf(r, name)}
	if r.Page {
		data.Via = contracts.ViaPage
	}
	// CloudTrail writes an empty errorCode for a success of some pages.
	switch {
	case r.OddError:
		return Verdict{}, UnknownCode
	case r.ErrorCode != "":
		line, found := refusalOf(r.ErrorCode, r.ErrorMessage)
		if !found {
			return Verdict{}, UnknownCode
		}
		data.Reason = line.Reason
		return Verdict{Failed: &data, Source: weaker(name.Source, line.Source)}, nil
	case r.Page:
		return judgePage(name, r.Status(), data)
	case r.SignedIn():
		return Verdict{Ignored: SignedIn, Source: PublicCapture}, nil
	}
	// Also a record without an answer, which CloudTrail writes for some of the steps.
	return Verdict{Ignored: StepPassed, Source: PublicCapture}, nil
}

func judgePage(name Name, status int, data contracts.SigninFailed) (Verdict, error) {
	switch {
	case slices.Contains(name.Fails, status):
		data.Reason = statusReason(status)
		return Verdict{Failed: &data, Source: name.Source}, nil
	case slices.Contains(every(), status):
		return Verdict{Ignored: StepPassed, Source: name.Source}, nil
	}
	return Verdict{}, UnknownStatus
}

// isRefresh reports a call that renews tokens.
func isRefresh(r cloudtrail.Record) bool {
	flow := r.Parameter("authFlow")
	return flow == "REFRESH_TOKEN" || flow == "REFRESH_TOKEN_AUTH"
}

// challengeOf is the name of the step that was answered. It is empty if the record has
// none, or a text that is not one of Cognito's names.
func challengeOf(r cloudtrail.Record, name Name) string {
	step := name.Challenge
	if !r.Page {
		step = r.Parameter("challengeName")
	}
	return contracts.Challenges()[step]
}
