# The Java programs: what Maven builds, and how a JVM of the kit is started. Needs proc.sh.

# built MODULE   whether the module's jars are there and newer than its sources
built() {
  local module="$1" mark="$E2E/$1/target/.built"
  [ -f "$mark" ] || return 1
  local from=("$E2E/$module/pom.xml" "$E2E/pom.xml")
  local d; for d in "$E2E/$module/src" "$E2E/$module/../src" "$E2E/$module/../res"; do [ -d "$d" ] && from+=("$d"); done
  [ -z "$(find "${from[@]}" -newer "$mark" -type f -print -quit)" ]
}

# build_java MODULE…   nacos, zookeeper, kit/line3, kit/line27
build_java() {
  local m need=()
  for m in "$@"; do built "$m" || need+=("$m"); done
  [ "${#need[@]}" -gt 0 ] || return 0
  command -v mvn >/dev/null || die "mvn is missing: Maven 3.8 or later builds the Java side"
  note "building ${need[*]} (the first time, Maven downloads what they need)"
  (IFS=,; exec mvn -q -B -f "$E2E/pom.xml" -pl "${need[*]}" -am package) || die "mvn failed on ${need[*]}"
  for m in "${need[@]}"; do touch "$E2E/$m/target/.built"; done
}

# module_of LINE
module_of() { case "$1" in 3) echo kit/line3 ;; 27) echo kit/line27 ;; *) die "line $1: want 3 or 27" ;; esac; }

# kit_command NAME LINE MAIN   sets KIT to the command that starts a program of the kit. NAME gets a home of its own, since Dubbo
# and the Nacos client keep files under the user's home. Loopback is what both lines register when every interface is ignored.
kit_command() {
  local home="$E2E_RUN/home/$1" module; module="$(module_of "$2")"
  rm -rf "$home"; mkdir -p "$home"
  KIT=(java -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.net.preferIPv4Stack=true -Duser.home="$home" -DJM.LOG.PATH="$home"
    -Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Dkit.log="${E2E_JAVA_LOG:-WARN}" '-Ddubbo.network.interface.ignored=.*')
  local p
  for p in lang lang.reflect io net text math time util util.concurrent; do KIT+=(--add-opens "java.base/java.$p=ALL-UNNAMED"); done
  # shellcheck disable=SC2206
  KIT+=(${E2E_JAVA_OPTS:-} -cp "$E2E/$module/target/classes:$E2E/$module/target/lib/*" "org.dubbofn.kit.$3")
}

# kit NAME LINE MAIN ARGS…   starts a program of the kit in the background
kit() {
  local name="$1" line="$2" main="$3"; shift 3
  kit_command "$name" "$line" "$main"
  spawn "$name" "${KIT[@]}" "$@"
}
