// Package console is the web page of an activator: which functions there are and how they are, live charts, cold starts, who calls whom, a
// form that calls methods, and what doctor finds. It is embedded, needs nothing from elsewhere, and shows everything behind a token.
package console
