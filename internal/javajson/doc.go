// Package javajson is Java's values as JSON, for people: what generic calls take is read from it, and what they give is written in it.
package javajson
