// Package usereventstest gives the simulation of the whole system this service's
// functions, without their mains: they are built with clients of the simulation.
package usereventstest

import (
	"gatehouse.example/services/user-events/internal/bridge"
	"gatehouse.example/services/user-events/internal/drain"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/postconfirmation"
)

// The functions, and the ledger of the metrics function.
type (
	Bridge    = bridge.Bridge
	Confirmer = postconfirmation.Confirmer
	Counter   = metrics.Counter
	Drain     = drain.Drain
	Ledger    = metrics.Ledger
)
