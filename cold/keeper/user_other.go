//go:build !linux

package keeper

import "net"

// userOf is not known here; the token has to do.
func userOf(*net.UnixConn) (uid int, known bool, err error) { return 0, false, nil }
