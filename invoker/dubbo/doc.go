// Package dubbo speaks the Dubbo 2 protocol with Hessian 2 bodies at both ends: [Server] answers requests that come over any
// [net.Listener], or one frame a POST over HTTP ([Server.Handler]); [Conn] is an invoker.Invoker over one connection that
// carries many calls.
//
// A transport is whatever yields a net.Listener and a net.Conn: package net does, and so does the package getty beside this
// one. Protocol facts are from Apache Dubbo Java 2.7.23 and 3.3 (ExchangeCodec, DubboCodec, DecodeableRpcInvocation,
// DecodeableRpcResult, HeaderExchangeHandler) and from captured frames of both lines.
//
// What a peer sends is taken as hostile: a frame's length is checked before anything is allocated, its memory grows with the
// bytes that arrive and is drawn from a [Budget], an error in one frame is answered with a status and leaves the connection
// alone. Only lost framing (a wrong magic) and broken limits of time close a connection.
package dubbo
