# A transcript: commands as they are typed, what they print, who types them and how long each takes. Needs OUT, the file that it goes to.

COMMANDS=0 TABLE="" BEGIN=0

now() { date +%s%N; }
# tell TEXT   to the screen and the transcript
tell() { printf '%s\n' "$1" | tee -a "$OUT"; }
# typed COMMAND WHO   a command as it is typed; took ends it
typed() { COMMANDS=$((COMMANDS + 1)); SHOWN="$1" WHO="$2"; tell ""; tell "$ $1"; BEGIN="$(now)"; }
took() {
  local ms=$((($(now) - BEGIN) / 1000000))
  TABLE+="$(printf '%d. %-64s %-10s %4d.%d s' "$COMMANDS" "$SHOWN" "$WHO" $((ms / 1000)) $((ms % 1000 / 100)))"$'\n'
}
# shown FILE   output of a command, as the transcript has it
shown() { sed $'s/\x1b\\[[0-9;?]*[A-Za-z]//g' "$1" | tee -a "$OUT"; }
