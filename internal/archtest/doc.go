// Package archtest keeps the shape of the project: which package may import which (docs/design.md), which third-party
// module is allowed where and why, and the rules of style that a program can check. It holds tests and what they need;
// nothing imports it.
package archtest
