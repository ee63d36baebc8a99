package java

// Char is Java's char: one UTF-16 unit, which may be half of a surrogate pair.
type Char uint16
