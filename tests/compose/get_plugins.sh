#!/bin/sh
# Compose v2 and buildx from Debian's packages, unpacked into the folder of plugins $1; nothing is installed.
# The release of this machine may be too old for them: they are taken from SUITE, and run on their own.
set -eu
plugins=$1
suite=${SUITE:-trixie}
[ ! -x "$plugins/docker-compose" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$plugins"
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | head -n 1)
key=$(ls /usr/share/keyrings/debian-archive-keyring.* | head -n 1)
echo "deb [signed-by=$key] $site $suite main" >"$work/sources.list"
cd "$work"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update
apt download docker-compose docker-buildx
for package in ./*.deb; do dpkg -x "$package" root; done
cp root/usr/libexec/docker/cli-plugins/docker-* "$plugins"
