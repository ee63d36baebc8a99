#!/usr/bin/env bash
# events.sh [PART…]   events that call functions, and traces of calls, beside real parts: each prints a line for what it has shown, and any difference
# ends it with 1. Without a name, all that this machine has the tools for.
#   probes    31 requests, good and bad, and what Knative's delivery contract wants of the answers; the CloudEvents conformance tool
#   senders   the CloudEvents SDKs for Java, and for Python and JavaScript where python3 and node are there
#   chain     Knative's channel → function → Java provider found in Nacos, and the reply; retries; dead letters; the trace in SkyWalking's OAP server
#   wake      Java 3.3 and 2.7 consumers under SkyWalking's agent → activator → functions at zero → Java provider; what the OAP server draws of it
#   otlp      OpenTelemetry's HTTP client → event → function → provider in Go; the trace at an OpenTelemetry Collector
#   flush     SIGTERM right after 5000 traced calls
#   outage    the backend down, away, slow, refusing, silent under 20,000 calls each
# Traces that were read back are left in build/ as JSON (trace.json, event-trace.json). EVENTS_VERBOSE=yes draws them.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go oap agent events; do source "$E2E/lib/$part.sh"; done

ALL=(probes senders chain wake otlp flush outage)
[ $# -gt 0 ] || set -- "${ALL[@]}"
passed=0 failed=()
for part in "$@"; do
  declare -F "events_$part" >/dev/null || { sed -n 2,11p "$0"; exit 2; }
  if "events_$part"; then passed=$((passed + 1)); else failed+=("$part"); fi
  halt_all
done
[ "${#failed[@]}" -eq 0 ] || note "not as they should be: ${failed[*]}"
note "events: $passed passed, ${#failed[@]} failed"
[ "${#failed[@]}" -eq 0 ]
