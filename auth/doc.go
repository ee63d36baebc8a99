// Package auth is how two ends trust each other: calls signed with an access key as Dubbo Java's dubbo-auth signs them, and TLS from files
// that may be replaced while the process runs. (The token of a service is fn.Token's and client.Token's.)
//
// A signature is HMAC-SHA256 over the service, the method, the secret and the time in milliseconds, with the arguments where both
// ends agree on that (Java: AccessKeyAuthenticator and SignatureUtils of dubbo-auth; 3.3.6, and 3.2.16 for the arguments, which 3.3
// no longer signs). There is no nonce in it: two calls of a method in one millisecond have the same signature, so a call that is sent again
// can't be told from a second one. A window bounds how long that works; TLS keeps signatures from being seen.
package auth
