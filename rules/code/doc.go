// Package code holds the rules about Go code: documentation, sizes, imports, modules
// and what the functions that Cognito calls may weigh.
package code
