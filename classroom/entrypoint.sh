#!/bin/sh
# Runs a command in the image, usually a student's server, once the notebooks are in the student's home. Copies only those
# that are not there yet. The image itself cannot hold them there: on Kubernetes, a volume hides its home folder.
set -eu

project=$(dirname "$(dirname "$(realpath "$0")")")
node --eval "import('$project/scripts/work.mjs').then(({ prepareWorkFolder }) => prepareWorkFolder())"
exec "$@"
