// Package getty runs the Dubbo wire on github.com/apache/dubbo-getty v1.4.10, over TCP and over WebSocket. A program that
// wants it adds it: what Listen gives goes to dubbo.Server.Serve, what Dial gives to dubbo.NewConn.
//
// Getty is used as a byte stream: framing, limits, heartbeats and calls are package dubbo's, on every transport. Sessions take
// no part in getty's task pools and periodic pings.
//
// What the library is like, and what this package does about it:
//
//   - A client never returns a dial error; it tries again for ever. Dial has its own time limit (its context's deadline, else
//     [DialTimeout]). A goroutine of the library may outlive a failed Dial by up to 3.5 s, its own connect timeout and pause.
//   - Importing it starts goroutines of gost's timer wheel and a logger, which never end.
//   - A closed session stays referenced by the timer wheel for up to 60 s.
//   - It closes a connection in a goroutine of its own, up to 1 s after the session ended.
//   - A WebSocket client refuses messages over 4096 bytes, whatever is set; so streams over WebSocket are cut to messages of
//     that size.
//   - Its sessions count what they write and copy the counters without a lock when they end. So this package writes straight
//     to the connection below the session, WebSocket messages too (RFC 6455); the library accepts, dials and reads.
//   - Its logger is one for the process, and prints a line for every write until it is told otherwise: see [SetLog].
package getty
