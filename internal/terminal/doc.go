// Package terminal is how the commands look: colours where a person reads, tables, a progress bar, a status line below what is printed. On
// what is no terminal it gives plain lines without any escape sequence, so that logs and pipes stay readable; NO_COLOR is obeyed.
package terminal
