package accountrecords

import "context"

// NoOtherClients answers for [cloudtrail.Owner] that a client which the platform did not
// make is not one of the pool. Records of accounts and tokens name the pool itself, so
// nothing has to ask Cognito.
type NoOtherClients struct{}

// Has reports false.
func (NoOtherClients) Has(context.Context, string, string) (bool, error) { return false, nil }
