#!/bin/sh
# Make .venv with the first Python that will do, or say in one line what to install.
set -u
[ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null && exit 0
found=
for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    command -v "$python" >/dev/null 2>&1 || continue
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $version in 3.11 | 3.12 | 3.13 | 3.14) ;; *) continue ;; esac
    found=$version
    "$python" -c 'import ensurepip, venv' 2>/dev/null || continue
    rm -rf .venv
    exec "$python" -m venv .venv
done
if [ -n "$found" ]; then
    echo "Python $found has no venv: install python3-venv (as root: apt-get install python3-venv)" >&2
else
    echo "No Python 3.11 to 3.14: install it with venv (as root: apt-get install python3-venv)" >&2
fi
exit 1
