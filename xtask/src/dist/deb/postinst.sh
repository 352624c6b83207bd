#!/bin/sh
# Creates the user of the service. Does not start it: it needs a policy first.
set -e
if [ "$1" = configure ]; then
    if [ -x /usr/bin/systemd-sysusers ]; then
        systemd-sysusers tollgate.conf
    elif ! getent passwd tollgate > /dev/null && command -v useradd > /dev/null; then
        useradd --system --user-group --home-dir / --no-create-home --shell /usr/sbin/nologin tollgate
    fi
    # The settings may contain secrets, and the service reads them. Only when the file is new, which means that no version was
    # configured before: later, its mode and its group are those that the administrator chose.
    if [ -z "$2" ] && getent group tollgate > /dev/null && [ -n "$(find /etc/default/tollgate-authz -type f -perm -o=r 2> /dev/null)" ]; then
        chgrp tollgate /etc/default/tollgate-authz
        chmod 0640 /etc/default/tollgate-authz
    fi
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload || true
        # Of an upgrade: a running service continues with the new version.
        systemctl try-restart tollgate-authz.service || true
    fi
fi
