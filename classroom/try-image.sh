#!/bin/bash
# Builds the image and runs the lecture in it, as a student with an empty home, where there is no container engine: on Debian or
# Ubuntu, as root, with buildah and debootstrap. Takes some minutes and 10 GB, and removes what it made.
#
# The base image is made of Debian's packages, so that no registry of images is needed. Arguments are passed on to
# `buildah build`, such as the certificate of your network's proxy.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ] || ! command -v buildah > /dev/null || ! command -v debootstrap > /dev/null; then
  echo "This needs root, and buildah and debootstrap: run \`sudo apt install buildah debootstrap\`, then \`sudo $0\`." >&2
  exit 1
fi

folder=$(mktemp -d /var/tmp/try-image-XXXXXX)
buildah() { command buildah --root "$folder/storage" --runroot "$folder/run" "$@"; }
remove() {
  buildah rm --all > /dev/null
  buildah rmi --all --force > /dev/null
  rm -rf "$folder"
}
trap remove EXIT
megabytes() { awk '{ printf "%d MB", $1 / 1e6 }'; }

echo '1. The base image, by debootstrap'
debootstrap --variant=minbase trixie "$folder/base" > "$folder/log" || { tail "$folder/log"; exit 1; }
base=$(buildah from scratch)
buildah add --quiet "$base" "$folder/base" / > /dev/null
buildah commit --quiet --rm "$base" localhost/base > /dev/null
rm -rf "$folder/base"

echo '2. The image'
SECONDS=0
buildah build --isolation chroot --layers --from localhost/base -f classroom/Containerfile -t localhost/mnist-lecture "$@" .
echo "Built in $SECONDS s."

student=$(buildah from localhost/mnist-lecture)
image=$(buildah mount "$student")
as_student() { buildah run --isolation chroot --user 1000 --workingdir /home/jovyan "$student" -- "$@"; }
entrypoint=/opt/mnist-lecture/classroom/entrypoint.sh

echo '3. What a student gets'
if find "$image" -xdev -name 'solutions*.ipynb' | grep .; then
  echo 'The image contains solutions.' >&2
  exit 1
fi
if as_student find /opt ! -type l -writable -ls | grep .; then
  echo 'A student may write there.' >&2
  exit 1
fi
as_student "$entrypoint" sh -c 'jupyterhub-singleuser --version && jupyter kernelspec list && ls -R my-mnist-lecture'

echo '4. The lecture'
SECONDS=0
as_student "$entrypoint" node /opt/mnist-lecture/scripts/lecture.mjs
echo "Run in $SECONDS s."

echo '5. Sizes'
echo "Unpacked: $(du -s -B 1 "$image" | megabytes), of which TensorFlow $(du -s -B 1 "$image/opt/cache" | megabytes)"
buildah push --quiet localhost/mnist-lecture "oci:$folder/oci:latest"
echo 'Layers, compressed as registries keep them:'
find "$folder/oci/blobs" -type f -size +1M -printf '%s\n' | while read -r bytes; do echo "- $(echo "$bytes" | megabytes)"; done
echo "In all: $(find "$folder/oci/blobs" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }' | megabytes)"
