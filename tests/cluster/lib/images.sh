# Container images, made without a registry and without a container tool: a root file system that a recipe fills, one
# uncompressed layer, and the three JSON files of an OCI archive.
#
# A recipe is one file in images/. It sets
#   tag          the name that pods use
#   parts        the files of tests/cluster that it is made with, whose change rebuilds the image
#   settings     the "config" object of the image, as JSON
# and defines
#   fill DIR     puts the image's files in DIR
# shellcheck shell=bash

load_recipe() { # name
  tag='' parts=() settings='{}'
  # shellcheck source=/dev/null  # every file of images is checked on its own
  source "$here/images/$1.sh"
}

build_images() {
  local recipe name
  for recipe in "$here"/images/*.sh; do
    name=$(basename "$recipe" .sh)
    if [ -e "$IMAGES/$name.tar" ] && fresh "image-$name" "$IMAGES/$name.stamp"; then continue; fi
    check_room "$START_ROOM_MB" "$IMAGES"
    step "image-$name.log" "building the image $(image_tag "$name")" build_image "$name"
    stamp_of "image-$name" >"$IMAGES/$name.stamp"
  done
}

image_tag() { (load_recipe "$1" && echo "$tag"); }

build_image() ( # name
  load_recipe "$1"
  work=$(mktemp -d "$IMAGES/.work.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/root"
  fill "$work/root"
  archive "$work" "$IMAGES/$1.tar"
)

# Blobs go by their digest, as the format demands; uncompressed, because unpacking is what a warm start waits for.
archive() { # work-directory output
  local layer config manifest blobs=$1/oci/blobs/sha256
  mkdir -p "$blobs"
  tar --create --numeric-owner --sort=name --directory "$1/root" --file "$1/layer" .
  layer=$(put_blob "$blobs" "$1/layer")
  jsons "$1/config" '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$settings" "$layer"
  config=$(put_blob "$blobs" "$1/config")
  jsons "$1/manifest" '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' \
    application/vnd.oci.image.manifest.v1+json \
    "$(descriptor application/vnd.oci.image.config.v1+json "$blobs/$config")" \
    "$(descriptor application/vnd.oci.image.layer.v1.tar "$blobs/$layer")"
  manifest=$(put_blob "$blobs" "$1/manifest")
  jsons "$1/oci/index.json" '{"schemaVersion":2,"manifests":[%s]}' \
    "$(descriptor application/vnd.oci.image.manifest.v1+json "$blobs/$manifest" \
      ",\"annotations\":{\"io.containerd.image.name\":\"$tag\"}")"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci/oci-layout"
  tar --create --directory "$1/oci" --file "$2.new" oci-layout index.json blobs
  mv "$2.new" "$2"
}

jsons() { # file format values...
  # shellcheck disable=SC2059  # the format is the caller's constant
  printf "$2" "${@:3}" >"$1"
}

put_blob() { # blobs file; prints the digest
  local digest
  digest=$(sha256sum "$2" | cut -d' ' -f1)
  mv "$2" "$1/$digest"
  echo "$digest"
}

descriptor() { # media-type blob [more-json]
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s%s}' "$1" "$(basename "$2")" "$(stat -c %s "$2")" "${3:-}"
}
