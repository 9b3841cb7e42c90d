// Package usereventstest gives the simulation of the whole system this service's
// functions, without their mains: they are built with clients of the simulation. A
// rule makes the catalogue's examples with them.
package usereventstest

import (
	"gatehouse.example/services/user-events/internal/accountrecords"
	"gatehouse.example/services/user-events/internal/bridge"
	"gatehouse.example/services/user-events/internal/clientevents"
	"gatehouse.example/services/user-events/internal/drain"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/postconfirmation"
)

// The functions, and the ledger of the metrics function.
type (
	AccountRecords = accountrecords.Consumer
	Bridge         = bridge.Bridge
	ClientEvents   = clientevents.Consumer
	Confirmer      = postconfirmation.Confirmer
	Counter        = metrics.Counter
	Drain          = drain.Drain
	Ledger         = metrics.Ledger
)

// AccountRow is what becomes of the records of an operation.
type AccountRow = accountrecords.Row

// ExplainRecord says what becomes of a record of CloudTrail.
func ExplainRecord(body []byte) string { return accountrecords.Explain(body) }

// AccountRows are the operations that account-records knows.
func AccountRows() []AccountRow { return accountrecords.Rows() }
