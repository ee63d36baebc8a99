# Programs of the kit under SkyWalking's Java agent. Needs proc.sh, java.sh and oap.sh.

# build_agent LINE…   the agent's homes, each with our plugin for that line of Dubbo
build_agent() {
  local line home
  for line in "$@"; do build_java agent/core "$(module_of "$line")" "agent/line$line"; done
  for line in "$@"; do
    home="$E2E/agent/line$line/target/agent"
    mkdir -p "$home/config" "$home/plugins" "$home/activations" "$home/logs"
    cp "$E2E/agent/core/target/skywalking-agent.jar" "$home/"
    cp "$E2E/agent/agent.config" "$home/config/"
    cp "$E2E/agent/line$line/target/agent-line$line-1.jar" "$home/plugins/dubbo.jar"
  done
}

# traced NAME LINE SERVICE MAIN ARGS…   starts a program of the kit in the background, as that service
traced() { local name="$1"; traced_command "$@"; spawn "$name" "${KIT[@]}"; }

# traced_command NAME LINE SERVICE MAIN ARGS…   sets KIT to the command
traced_command() {
  local name="$1" line="$2" service="$3" main="$4"; shift 4
  local E2E_JAVA_OPTS="${E2E_JAVA_OPTS:-} -javaagent:$E2E/agent/line$line/target/agent/skywalking-agent.jar -Dskywalking.agent.service_name=$service -Dskywalking.agent.instance_name=$name -Dskywalking.collector.backend_service=127.0.0.1:$OAP_GRPC"
  kit_command "$name" "$line" "$main"
  KIT+=("$@")
}
