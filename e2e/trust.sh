#!/usr/bin/env bash
# trust.sh [--quick]   tokens, signed calls, TLS and mTLS between Java and Go, each right and wrong in every way, both directions, both
# Dubbo lines. A table at the end; the exit code is 0 only when every case went as it must. --quick: Java 3.3.6 alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos zookeeper go interop; do source "$E2E/lib/$part.sh"; done
LINES=(3 27); [ "${1:-}" != --quick ] || LINES=(3)

CERTS="$E2E_RUN/certs"
JAVA_PORT=$((BASE + 20)) # Java providers: token, signed, mutual TLS
ROWS="" WRONG=0

# went NAME EXPECTED OUTPUT [LOG REGEX]   notes whether a case went as it must: ok, or refused, and then what a log must tell the operator
went() {
  local name="$1" want="$2" got="$3" log="${4:-}" regex="${5:-}" verdict=as-it-must
  case "$want" in
    ok) grep -qE 'OK hello Ada' <<<"$got" || verdict=WRONG ;;
    refused) grep -qE 'REFUSED' <<<"$got" && ! grep -q 's3cret' <<<"$got" || verdict=WRONG ;;
  esac
  if [ -n "$regex" ] && ! grep -qE "$regex" "$LOGS/$log.err"; then verdict="WRONG: $log's log does not tell $regex"; fi
  [ "$verdict" = as-it-must ] || { WRONG=$((WRONG + 1)); note "$name: want $want, got: $(cut -c1-300 <<<"$got") ($verdict)"; }
  ROWS+="$(printf '%-66s %-8s %s' "$name" "$want" "$verdict")"$'\n'
}

# go_trust NAME PORT VARIABLE=VALUE…   a Go provider of the kit's services, without a registry
go_trust() {
  local name="$1" port="$2"; shift 2
  spawn "$name" env DUBBOFN_APP=dubbofn-e2e DUBBOFN_REGISTER=no DUBBOFN_BIND=127.0.0.1 DUBBOFN_PORT="$port" PORT=$((port + 50)) "$@" "$BIN/peer" provider -name "$name"
  await "$name" '^PROVIDER-READY' 30
}

# go_calls NAME EXPECTED PORT QUERY TEXT VARIABLE=VALUE…   a call by the command; TEXT is what its user must be told, "" for anything
go_calls() {
  local name="$1" want="$2" port="$3" query="$4" text="$5" out; shift 5
  if out="$(env "$@" "$BIN/dubbofn" call --timeout 4s --url "dubbo://127.0.0.1:$port?$query" org.fixture.dubbo.TokenService hello Ada 2>&1)"; then
    out="OK ${out//\"/}"
  else out="REFUSED $out"; fi
  [ -z "$text" ] || grep -qE "$text" <<<"$out" || out="no word of $text: $out"
  went "$name" "$want" "$out"
}

go_providers() {
  printf 'shop-1 s3cret-key\nshop-2 other-key\n' >"$CERTS/keys"
  cp "$CERTS/provider.pem" "$CERTS/now.pem"; cp "$CERTS/provider.key" "$CERTS/now.key"
  local mine=(DUBBOFN_TLS_CERT="$CERTS/provider.pem" DUBBOFN_TLS_KEY="$CERTS/provider.key")
  go_trust go-token "$BASE"
  go_trust go-signed $((BASE + 1)) DUBBOFN_AUTH_KEYS="$CERTS/keys"
  go_trust go-tls $((BASE + 2)) DUBBOFN_TLS_CERT="$CERTS/now.pem" DUBBOFN_TLS_KEY="$CERTS/now.key"
  go_trust go-mutual $((BASE + 3)) "${mine[@]}" DUBBOFN_TLS_CA="$CERTS/ours.pem"
  go_trust go-old $((BASE + 4)) DUBBOFN_TLS_CERT="$CERTS/old.pem" DUBBOFN_TLS_KEY="$CERTS/old.key"
  go_trust go-stranger $((BASE + 5)) DUBBOFN_TLS_CERT="$CERTS/stranger.pem" DUBBOFN_TLS_KEY="$CERTS/stranger.key"
  go_trust go-both $((BASE + 6)) "${mine[@]}" DUBBOFN_TLS_PLAIN=1
}

# java_calls LINE WHO CASES OPTIONS…   runs the kit's consumer; its cases are read with case_of
java_calls() {
  local line="$1" who="$2" cases="$3"; shift 3
  kit "java-$line-$who" "$line" Trust --cases "$cases" "$@"
  ended "java-$line-$who" 120 || note "java-$line-$who failed; see $LOGS/java-$line-$who.err"
}
case_of() { grep "^CASE $3 " "$LOGS/java-$1-$2.log" || echo "nothing"; }

java_on_go() {
  local line="$1" j t="token=s3cret" s="ssl-enabled=true"; j="$(line_name "$1") on Go"
  local b="$BASE"
  # Dubbo 3.3.6 gives Netty 4.2 no host to compare a certificate's name with, so that every handshake fails, Java on Java too.
  local E2E_JAVA_OPTS="${E2E_JAVA_OPTS:-} -Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE"
  java_calls "$line" plain "right:$b:$t,wrong:$b:token=x,none:$b,plain:$((b + 2)):$t,both:$((b + 6)):$t,signed:$((b + 1)):$t:access-key=shop-1/s3cret-key,secret:$((b + 1)):$t:access-key=shop-1/x,unknown:$((b + 1)):$t:access-key=shop-9/x,unsigned:$((b + 1)):$t"
  went "$j: token" ok "$(case_of "$line" plain right)"
  went "$j: another token" refused "$(case_of "$line" plain wrong)"
  went "$j: no token" refused "$(case_of "$line" plain none)"
  went "$j: plain where TLS is wanted" refused "$(case_of "$line" plain plain)" go-tls "a plain connection was refused"
  went "$j: plain where both are taken" ok "$(case_of "$line" plain both)"
  if [ "$line" = 3 ]; then # Dubbo 2.7's dubbo-auth was never published
    went "$j: signed" ok "$(case_of "$line" plain signed)"
    went "$j: signed with another secret" refused "$(case_of "$line" plain secret)" go-signed "signature is wrong.*key=shop-1"
    went "$j: signed with an unknown key" refused "$(case_of "$line" plain unknown)" go-signed "access key is unknown.*key=shop-9"
  fi
  went "$j: not signed" refused "$(case_of "$line" plain unsigned)" go-signed "it is not signed"
  java_calls "$line" known "tls:$((b + 2)):$t:$s,mutual:$((b + 3)):$t:$s,both:$((b + 6)):$t:$s,none:$b:$t:$s,old:$((b + 4)):$t:$s,stranger:$((b + 5)):$t:$s" \
    --cert "$CERTS/consumer.pem" --key "$CERTS/consumer.key" --ca "$CERTS/ours.pem"
  went "$j: TLS" ok "$(case_of "$line" known tls)"
  went "$j: mTLS" ok "$(case_of "$line" known mutual)"
  went "$j: TLS where both are taken" ok "$(case_of "$line" known both)"
  went "$j: TLS where there is none" refused "$(case_of "$line" known none)"
  went "$j: TLS, the provider's certificate is over" refused "$(case_of "$line" known old)" go-old "a handshake failed"
  went "$j: TLS, a provider of another authority" refused "$(case_of "$line" known stranger)" go-stranger "a handshake failed"
  java_calls "$line" stranger "mutual:$((b + 3)):$t:$s" --cert "$CERTS/stranger.pem" --key "$CERTS/stranger.key" --ca "$CERTS/ours.pem"
  went "$j: mTLS, a consumer of another authority" refused "$(case_of "$line" stranger mutual)" go-mutual "unknown authority|didn.t provide a certificate"
  java_calls "$line" old "mutual:$((b + 3)):$t:$s" --cert "$CERTS/old.pem" --key "$CERTS/old.key" --ca "$CERTS/ours.pem"
  went "$j: mTLS, the consumer's certificate is over" refused "$(case_of "$line" old mutual)" go-mutual "expired"
}

go_on_java() {
  local line="$1" g p="$JAVA_PORT" t="token=s3cret" s="ssl-enabled=true"; g="Go on $(line_name "$1")"
  kit java-token "$line" Trust --port "$p"
  kit java-mutual "$line" Trust --port $((p + 2)) --cert "$CERTS/provider.pem" --key "$CERTS/provider.key" --ca "$CERTS/ours.pem"
  [ "$line" != 3 ] || kit java-signed "$line" Trust --port $((p + 1)) --access-key shop-1:s3cret-key
  await java-token '^PROVIDER-READY' 60; await java-mutual '^PROVIDER-READY' 60
  [ "$line" != 3 ] || await java-signed '^PROVIDER-READY' 60
  go_calls "$g: token" ok "$p" "$t" ""
  go_calls "$g: another token" refused "$p" token=x ""
  go_calls "$g: no token" refused "$p" "" ""
  if [ "$line" = 3 ]; then
    go_calls "$g: signed" ok $((p + 1)) "$t" "" DUBBOFN_ACCESS_KEY_ID=shop-1 DUBBOFN_SECRET_ACCESS_KEY=s3cret-key
    go_calls "$g: signed with another secret" refused $((p + 1)) "$t" "signature is not correct" DUBBOFN_ACCESS_KEY_ID=shop-1 DUBBOFN_SECRET_ACCESS_KEY=x
    go_calls "$g: not signed" refused $((p + 1)) "$t" "" X=
  fi
  local ca=(DUBBOFN_TLS_CA="$CERTS/ours.pem") me=(DUBBOFN_TLS_CERT="$CERTS/consumer.pem" DUBBOFN_TLS_KEY="$CERTS/consumer.key")
  go_calls "$g: mTLS" ok $((p + 2)) "$t&$s" "" "${ca[@]}" "${me[@]}"
  go_calls "$g: mTLS, always" ok $((p + 2)) "$t" "" DUBBOFN_TLS=always "${ca[@]}" "${me[@]}"
  go_calls "$g: mTLS, any name" ok $((p + 2)) "$t&$s" "" DUBBOFN_TLS_SERVER_NAME='*' "${ca[@]}" "${me[@]}"
  go_calls "$g: mTLS, no certificate" refused $((p + 2)) "$t&$s" "" "${ca[@]}"
  go_calls "$g: mTLS, a consumer of another authority" refused $((p + 2)) "$t&$s" "" "${ca[@]}" DUBBOFN_TLS_CERT="$CERTS/stranger.pem" DUBBOFN_TLS_KEY="$CERTS/stranger.key"
  go_calls "$g: mTLS, the consumer's certificate is over" refused $((p + 2)) "$t&$s" "" "${ca[@]}" DUBBOFN_TLS_CERT="$CERTS/old.pem" DUBBOFN_TLS_KEY="$CERTS/old.key"
  go_calls "$g: mTLS, a provider of another authority" refused $((p + 2)) "$t&$s" "unknown authority" DUBBOFN_TLS_CA="$CERTS/theirs.pem" "${me[@]}"
  go_calls "$g: mTLS, a provider of another name" refused $((p + 2)) "$t&$s" "wanted to match|not elsewhere" DUBBOFN_TLS_SERVER_NAME=elsewhere "${ca[@]}" "${me[@]}"
  go_calls "$g: plain where TLS is wanted" refused $((p + 2)) "$t" "" X=
  go_calls "$g: TLS where there is none" refused "$p" "$t&$s" "may speak none|first record" "${ca[@]}" "${me[@]}"
  halt java-token java-mutual java-signed
}

go_on_go() {
  local t="token=s3cret" s="ssl-enabled=true" ca=(DUBBOFN_TLS_CA="$CERTS/ours.pem") key=(DUBBOFN_ACCESS_KEY_ID=shop-1 DUBBOFN_SECRET_ACCESS_KEY=s3cret-key)
  go_calls "Go on Go: signed" ok $((BASE + 1)) "$t" "" "${key[@]}"
  go_calls "Go on Go: TLS" ok $((BASE + 2)) "$t&$s" "" "${ca[@]}"
  go_calls "Go on Go: mTLS without a certificate" refused $((BASE + 3)) "$t&$s" "certificate required" "${ca[@]}"
  # Certificate and keys are replaced under the running providers: what comes next uses them.
  cp "$CERTS/elsewhere.key" "$CERTS/now.key"; cp "$CERTS/elsewhere.pem" "$CERTS/now.pem"; printf 'shop-1 next-key\n' >"$CERTS/keys"
  sleep 1.5
  go_calls "Go on Go: TLS, another certificate by now, for elsewhere" refused $((BASE + 2)) "$t&$s" "wanted to match|doesn't contain any IP|not valid for" "${ca[@]}"
  go_calls "Go on Go: TLS, another certificate by now, named so" ok $((BASE + 2)) "$t&$s" "" "${ca[@]}" DUBBOFN_TLS_SERVER_NAME=elsewhere.example
  go_calls "Go on Go: signed with a key that was replaced" refused $((BASE + 1)) "$t" "" "${key[@]}"
  go_calls "Go on Go: signed with the key that replaced it" ok $((BASE + 1)) "$t" "" DUBBOFN_ACCESS_KEY_ID=shop-1 DUBBOFN_SECRET_ACCESS_KEY=next-key
}

build_java kit/line3 kit/line27
build_go peer
(cd "$E2E/.." && go build -o "$BIN/dubbofn" ./cmd/dubbofn) || die "go build ./cmd/dubbofn failed"
mkdir -p "$CERTS"; "$BIN/peer" certs "$CERTS" || die "no certificates"
for line in "${LINES[@]}"; do
  go_providers
  java_on_go "$line"
  [ "$line" != 3 ] || go_on_go
  halt go-token go-signed go-tls go-mutual go-old go-stranger go-both
  go_on_java "$line"
done
note ""; note "$(printf '%-66s %-8s %s' case expected went)"; printf '%s' "$ROWS"; note ""
note "$(grep -c . <<<"$ROWS") cases, $WRONG wrong"
[ "$WRONG" = 0 ]
