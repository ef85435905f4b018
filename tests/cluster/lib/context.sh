# A cluster of the user's own, named by KUBECTL_KAFKA_TEST_CONTEXT: nothing is built, started or stopped.
# shellcheck shell=bash

own_context() { # verb
  local context=$KUBECTL_KAFKA_TEST_CONTEXT
  case $1 in
    up | status)
      [ -n "$(type -P kubectl)" ] || fail "KUBECTL_KAFKA_TEST_CONTEXT is set and there is no kubectl in PATH" "install kubectl"
      command kubectl --context "$context" get --raw /readyz --request-timeout 10s >/dev/null ||
        fail "the cluster of context '$context' does not answer" "kubectl config get-contexts lists what there is"
      say "using the context '$context' of your kubeconfig"
      ;;
    env) printf 'export KUBECTL_KAFKA_TEST_CONTEXT_NAME=%q\n' "$context" ;;
    kubectl) command kubectl --context "$context" "${@:2}" ;;
    kubeconfig | build | down | clean) say "nothing to do: KUBECTL_KAFKA_TEST_CONTEXT is set to '$context'" ;;
    *) usage ;;
  esac
}
