# The lab's half of newcomer.sh, which sources it: the same way on a Kubernetes with Knative. e2e/knative/run.sh brings the lab up, with the activator
# and a registry of images in it, which are the operator's and there before a newcomer comes, and ends it.

lab_half() {
  local result="$DIR/lab"
  NEWCOMER_OUT="$result.txt" NEWCOMER_TABLE="$result.table" "$E2E/knative/run.sh" newcomer || return 1
  cat "$result.txt" >>"$OUT"
  TABLE="$(cat "$result.table")"$'\n'
  COMMANDS="$(grep -c . "$result.table")"
}
