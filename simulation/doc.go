// Package simulation runs the real code of the triggers, the publisher, the drain, the
// recorder, the metrics function and the bridge in one process, against AWS services
// that do what AWS documents and no more. README.md describes it.
package simulation
