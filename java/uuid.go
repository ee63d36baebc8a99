package java

import (
	"encoding/hex"
	"fmt"
)

// UUID is java.util.UUID, most significant byte first.
type UUID [16]byte

// String gives the usual form, "123e4567-e89b-12d3-a456-426614174000".
func (u UUID) String() string {
	text, _ := u.MarshalText() // cannot fail
	return string(text)
}

// MarshalText gives the form of String.
func (u UUID) MarshalText() ([]byte, error) {
	text := make([]byte, 36)
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return text, nil
}

// UnmarshalText reads the form of String, in upper or lower case.
func (u *UUID) UnmarshalText(text []byte) error {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return fmt.Errorf("uuid: %q is not of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", text)
	}
	digits := make([]byte, 0, 32)
	for _, c := range text {
		if c != '-' {
			digits = append(digits, c)
		}
	}
	var v UUID
	if n, err := hex.Decode(v[:], digits); err != nil || n != len(v) {
		return fmt.Errorf("uuid: %q is not hexadecimal", text)
	}
	*u = v
	return nil
}
