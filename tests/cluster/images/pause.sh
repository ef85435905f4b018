# The container that holds a pod's namespaces open: sleeps, and reaps what is orphaned to it.
# shellcheck shell=bash disable=SC2034,SC2154  # shares names with lib/images.sh

tag=$PAUSE_IMAGE
parts=(images/pause/pause.c)
settings='{"Entrypoint":["/pause"]}'

fill() {
  gcc -O2 -static -o "$1/pause" "$here/images/pause/pause.c"
}
