// Package templates holds the rules about CloudFormation templates, as they are
// written and as SAM translates them.
package templates
