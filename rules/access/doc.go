// Package access holds the rules about who may do what: policies, the roles of
// functions and pipelines, their boundaries, and what CloudFormation's roles need.
package access
