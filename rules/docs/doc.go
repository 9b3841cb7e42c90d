// Package docs holds the rules about what people read: links, pages that must exist,
// and tables that name tests.
package docs
