// Package pipelines holds the rules about CI and CD: each service's pipeline as it
// would be deployed, its file patterns, its parameters and the buildspecs.
package pipelines
