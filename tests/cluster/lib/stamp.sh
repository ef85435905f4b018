# Stamps: what an artifact was made of, in one word beside it. A changed stamp is what makes `up` rebuild or restart,
# and only that: one stamp per artifact, so that a change to an image's recipe does not rebuild Kubernetes.
# shellcheck shell=bash

digest() { sha256sum | cut -c1-16; }

stamp_of() { # artifact
  (
    cd "$here" || exit
    case $1 in
      kubernetes) sha256sum kubernetes/* lib/build.sh ;;
      coredns) sha256sum dns/* lib/build.sh ;;
      image-*)
        load_recipe "${1#image-}"
        sha256sum "images/${1#image-}.sh" lib/images.sh "${parts[@]}"
        ;;
      cluster)
        sha256sum manifests/* lib/{settings,pki,config,start,network,components}.sh
        cat "$BIN"/*.stamp
        ;;
    esac
  ) | digest
}

fresh() { # artifact stamp-file
  [ -e "$2" ] && [ "$(cat "$2")" = "$(stamp_of "$1")" ]
}
