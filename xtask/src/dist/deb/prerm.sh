#!/bin/sh
# An upgrade restarts the service; a removal stops it.
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl --no-reload disable --now tollgate-authz.service || true
fi
