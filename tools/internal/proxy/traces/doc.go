// Package xray is X-Ray on a laptop: the daemon that tracing SDKs send their
// segments to, a store, and the API that reads traces back. The emulator has
// neither, and without them a trace id leads nowhere.
//
// It keeps what it is sent and makes nothing up; who made a segment is the
// business of its callers.
package xray
