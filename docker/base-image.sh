#!/bin/bash
# base-image.sh SUITE: makes docker.io/library/debian:SUITE-slim for buildah with debootstrap, from
# the Debian mirror that this machine is set up for. For machines that reach no container registry.
# Needs root, and Debian's buildah and debootstrap. Does nothing when the image is there already.
set -euo pipefail

suite=${1:?usage: base-image.sh bookworm|trixie}
image=docker.io/library/debian:$suite-slim
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
if buildah inspect --type image "$image" >/dev/null 2>&1; then exit 0; fi

# Where apt fetches Debian from, e.g. "http://host/debian"; $1 is the archive's own label.
mirror_of() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Label: $1" | sed -n 1p
}
mirror=$(mirror_of Debian)
security=$(mirror_of Debian-Security)
if [ -z "$mirror" ]; then
  echo "base-image.sh: apt on this machine has no Debian mirror (run apt-get update)" >&2
  exit 1
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
echo "base-image.sh: debootstrap of $suite (about a minute)"
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log" >&2; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
{
  echo "deb $mirror $suite main"
  echo "deb $mirror $suite-updates main"
  if [ -n "$security" ]; then echo "deb $security $suite-security main"; fi
} >"$root/etc/apt/sources.list"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/usr/share/{doc,man,locale}/*

container=$(buildah from scratch)
buildah add -q "$container" "$root" / >/dev/null
buildah config --cmd /bin/bash \
  --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit -q --rm "$container" "$image" >/dev/null
