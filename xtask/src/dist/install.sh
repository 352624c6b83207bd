#!/bin/bash
# Installs every package of a release, offline, and uses each as a new user would. Runs in a root that has Debian's base,
# Python and Node: no Rust, no clone, no network. Writes TAP.
#
# /dist has the packages, /tutorial.md the tutorial, whose commands are run word for word.
set -u
VERSION=$1
TARGETS="image lambda-edge cloudflare"
count=0
failed=0
cd /root || exit 2

since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# report NAME STATUS TEXT BEGAN
report() {
    count=$((count + 1))
    if [ "$2" = 0 ]; then
        echo "ok $count - $1 ($(since "$4") s)"
    else
        failed=$((failed + 1))
        echo "not ok $count - $1"
        printf '%s\n' "$3" | sed 's/^/#   /'
    fi
}

# ok NAME COMMAND...: a command that must succeed
ok() {
    local name=$1 began=$EPOCHREALTIME text
    shift
    text=$("$@" 2>&1)
    report "$name" $? "$text" "$began"
}

# prints TEXT COMMAND...: succeeds if the command prints the text, whatever its exit code
prints() {
    local wanted=$1 text
    shift
    text=$("$@" 2>&1)
    printf '%s\n' "$text"
    case $text in *"$wanted"*) ;; *) return 1 ;; esac
}

# use KIND: the command in PATH makes a site, and builds it for every edge with parts
use() {
    cd "$(mktemp -d)" || exit 2
    ok "$1: version" prints "tollgate $VERSION" tollgate --version
    ok "$1: init" tollgate init policy --test-key
    ok "$1: check" tollgate check policy
    ok "$1: test" tollgate test policy
    for target in $TARGETS; do
        ok "$1: build for $target" tollgate build policy --target "$target" -o "out-$target"
    done
    ok "$1: the policy in the Worker is the image" cmp out-image out-cloudflare/policy.image
    ok "$1: the zip has a handler" prints index.mjs python3 -m zipfile -l out-lambda-edge
    ok "$1: decide" prints "deny 401 no_token" tollgate decide policy --target /courses/intro/lesson.html
    mkdir old
    echo '{"version":"0.0.1","files":{}}' > old/parts.json
    ok "$1: parts of another version are rejected" prints "of version 0.0.1" tollgate build policy --target lambda-edge --parts old -o x
    cd /root || exit 2
}

# The steps of the tutorial: a kind, a tab, and a line of a block. The comment above a block is its kind.
steps() {
    awk '
        /^<!-- .* -->$/ { kind = $0; next }
        /^```(sh|text)$/ { inside = 1; next }
        /^```$/ { inside = 0; kind = ""; next }
        !inside { next }
        kind == "<!-- run -->" { print "0\t" $0 }
        kind ~ /^<!-- run, exit [0-9]+ -->$/ { gsub(/[^0-9]/, "", kind); print kind "\t" $0; kind = "<!-- run, exit " kind " -->" }
        kind == "<!-- run until -->" { print "until\t" $0 }
        kind == "<!-- serve -->" { print "serve\t" $0 }
        kind == "<!-- output -->" { print "output\t" $0 }
    ' /tutorial.md
}

# Waits for the local edge.
await() {
    for _ in $(seq 200); do
        (: < /dev/tcp/127.0.0.1/8080) 2> /dev/null && return
        sleep 0.05
    done
    return 1
}

# repeat WANTED LINE: runs the line until it prints what is wanted
repeat() {
    for _ in $(seq 100); do
        [ "$(eval "$2" 2>&1)" = "$1" ] && return
        sleep 0.1
    done
    return 1
}

# The commands of the tutorial, in one shell, each with its exit code. Those that print a status or a page show that the server
# protects the directory; a test of the repository compares the output of all others.
tutorial() {
    local began=$1 server="" step kind line at status next
    cd "$(mktemp -d)" || exit 2
    mapfile -t steps < <(steps)
    for step in "${!steps[@]}"; do
        kind=${steps[$step]%%$'\t'*}
        line=${steps[$step]#*$'\t'}
        at=$EPOCHREALTIME
        case $kind in
        output) continue ;;
        serve)
            [ -z "$server" ] || { kill "$server"; wait "$server" 2> /dev/null; }
            eval "exec $line" > /run/printed 2>&1 &
            server=$!
            ok "tutorial: $line" await
            continue
            ;;
        until)
            next=${steps[$((step + 1))]#*$'\t'}
            ok "tutorial, until it is $next: $line" repeat "$next" "$line"
            continue
            ;;
        esac
        eval "$line" > /run/printed 2>&1
        status=$?
        report "tutorial: $line" $((status != kind)) "exit code $status: $(cat /run/printed)" "$at"
        case $line in
        *" decide "*) [ -n "${decided:-}" ] || decided=$(since "$began") ;;
        curl*) [ -n "${served:-}" ] || served=$(since "$began") ;;
        esac
    done
    kill "$server"
    wait "$server" 2> /dev/null
    report "tutorial: a page was served" "$([ -n "${served:-}" ]; echo $?)" "no curl in the tutorial" "$began"
    cd /root || exit 2
}

ok "the root has no Rust, no clone and no network" bash -c '! command -v cargo rustc tollgate && ! [ -e /work ] && ! : < /dev/tcp/192.0.2.1/80'
ok "checksums" bash -c 'cd /dist && sha256sum --strict --check SHA256SUMS'

began=$EPOCHREALTIME
ok "deb: install" bash -c 'dpkg -i /dist/tollgate_*_"$(dpkg --print-architecture)".deb'
tutorial "$began"
use deb
ok "deb: files are as packaged" dpkg --verify tollgate
ok "deb: manual page, completions, unit" ls /usr/share/man/man1/tollgate-build.1.gz /usr/share/bash-completion/completions/tollgate /usr/lib/systemd/system/tollgate-authz.service
ok "deb: the user of the service" getent passwd tollgate
ok "deb: licences of others" prints "serde " zcat /usr/share/doc/tollgate/THIRD-PARTY.txt.gz
ok "deb: install again" bash -c 'dpkg -i /dist/tollgate_*_"$(dpkg --print-architecture)".deb'
ok "deb: purge" dpkg --purge tollgate
ok "deb: nothing is left" bash -c '! [ -e /usr/bin/tollgate ] && ! [ -e /etc/default/tollgate-authz ]'

mkdir /opt/archive
ok "archive: unpack" bash -c 'tar -xzf /dist/tollgate-"$0"-"$(uname -m)"-unknown-linux-gnu.tar.gz --strip-components=1 -C /opt/archive' "$VERSION"
PATH=/opt/archive:$PATH use archive

ok "pip: install" bash -c 'python3 -m venv /opt/venv && /opt/venv/bin/pip install --quiet --no-index --find-links /dist tollgate-cli'
PATH=/opt/venv/bin:$PATH use pip

mkdir /opt/npm
ok "npm: install" bash -c 'cd /opt/npm && npm install --offline --no-audit --no-fund --loglevel=error /dist/tollgate-"$0".tgz /dist/tollgate-cli-linux-*.tgz /dist/tollgate-edge-"$0".tgz' "$VERSION"
PATH=/opt/npm/node_modules/.bin:$PATH use npm
cat > /opt/npm/gate.mjs <<'END'
import { readFileSync } from "node:fs";
import { Gate } from "@tollgate/edge";
const gate = new Gate(readFileSync(process.argv[2]));
console.log(gate.decide({ method: "GET", target: "/courses/intro/lesson.html", headers: [], ip: "203.0.113.7" }).log);
END
PATH=/opt/npm/node_modules/.bin:$PATH ok "npm: init for @tollgate/edge" tollgate init /opt/npm/policy --test-key
PATH=/opt/npm/node_modules/.bin:$PATH ok "npm: an image for @tollgate/edge" tollgate build /opt/npm/policy -o /opt/npm/policy.tgi
ok "npm: @tollgate/edge decides" prints no_token node /opt/npm/gate.mjs /opt/npm/policy.tgi
cat > /run/signal.sh <<'END'
cd /opt/npm || exit 1
node_modules/.bin/tollgate serve --policy policy --root . > /run/printed 2>&1 &
for _ in $(seq 100); do grep -q serving /run/printed && break; sleep 0.1; done
kill -TERM $!
wait $!
! ls -l /proc/[0-9]*/exe 2> /dev/null | grep cli-linux
END
ok "npm: a signal ends the command" bash /run/signal.sh
ok "npm: without its platform package, the command says so" bash -c 'rm -r /opt/npm/node_modules/@tollgate/cli-*; /opt/npm/node_modules/.bin/tollgate 2>&1 | grep -q "is not installed"'

echo "#   first decision ${decided:-never} s after the installation began, protected page ${served:-never} s"
echo "1..$count"
echo "# pass $((count - failed))"
echo "# fail $failed"
[ $failed = 0 ]
