// Package pipeline is the module of everything that brings a service from a
// commit to an account: the CloudFormation templates of the pipelines, and the
// programs that their builds and a laptop share.
package pipeline
