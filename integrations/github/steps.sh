#!/usr/bin/env bash
# The steps of action.yml. All input comes from environment variables, which the shell never evaluates.
set -euo pipefail

# A result for later steps. The name of a file has no line end, because runners choose it.
output() { printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"; }

fail() {
  printf '::error title=tollgate::%s\n' "$1"
  exit 2
}

# The directory of the results. A path that begins with a dash is not an option.
results="$RUNNER_TEMP/tollgate"
mkdir -p "$results"
policy="${TOLLGATE_POLICY:-.}"
case "$policy" in -*) policy="./$policy" ;; esac

install() {
  if [ -z "$TOLLGATE_URL" ]; then
    command -v tollgate > /dev/null || fail 'no command tollgate: install it in an earlier step, or set the inputs url and sha256'
    tollgate --version
    return
  fi
  [ -n "$TOLLGATE_SHA256" ] || fail 'the input sha256 is missing: the checksum of the archive, which the release lists'
  case "$TOLLGATE_URL" in
    https://* | http://127.0.0.1:*) ;;
    *) fail 'the input url must begin with https://' ;;
  esac
  curl --fail --silent --show-error --location --retry 3 --output "$results/tollgate.tar.gz" -- "$TOLLGATE_URL" \
    || fail 'cannot download the archive: see the log'
  printf '%s  %s\n' "$TOLLGATE_SHA256" "$results/tollgate.tar.gz" | sha256sum --check --strict --quiet - \
    || fail 'the archive has another checksum than the input sha256'
  mkdir -p "$results/bin"
  tar -xzf "$results/tollgate.tar.gz" -C "$results/bin"
  program="$(find "$results/bin" -type f -name tollgate -perm -u+x | head -n 1)"
  [ -n "$program" ] || fail 'the archive contains no program tollgate'
  dirname "$program" >> "$GITHUB_PATH"
  "$program" --version
}

check() {
  local status=0
  tollgate check "$policy" --format sarif > "$results/check.sarif" || true
  output sarif "$results/check.sarif"
  if [ "$TOLLGATE_DENY_WARNINGS" = true ]; then
    tollgate check "$policy" --format github --deny-warnings || status=$?
  else
    tollgate check "$policy" --format github || status=$?
  fi
  # With warnings only, the policy can still be compared.
  case "$status" in 0 | 3) output compiles true ;; esac
  return "$status"
}

run_tests() {
  if [ "$TOLLGATE_MUTATE" = true ]; then
    tollgate test "$policy" --mutate --format github
  else
    tollgate test "$policy" --format github
  fi
}

compare() {
  local status=0 opens=false changed=false now
  case "$TOLLGATE_BASE" in -*) fail 'the input base must not begin with a dash' ;; esac
  git cat-file -e "$TOLLGATE_BASE^{commit}" 2> /dev/null \
    || fail 'the base revision is missing: check out with fetch-depth: 0'
  # The time of example requests: with that of the commit, the same change has the same comment.
  now="$(git show --no-patch --format=%ct HEAD)"
  tollgate diff "$TOLLGATE_BASE.." "$policy" --markdown --now "$now" > "$results/diff.md" || status=$?
  case "$status" in
    0) ;;
    3) changed=true ;;
    *) return "$status" ;;
  esac
  status=0
  tollgate diff "$TOLLGATE_BASE.." "$policy" --no-new-access > /dev/null || status=$?
  case "$status" in
    0) ;;
    3) opens=true ;;
    *) return "$status" ;;
  esac
  cat "$results/diff.md" >> "$GITHUB_STEP_SUMMARY"
  output markdown "$results/diff.md"
  output changed "$changed"
  output opens "$opens"
}

case "${1:-}" in
  install) install ;;
  check) check ;;
  test) run_tests ;;
  diff) compare ;;
  # The annotations say what is newly allowed.
  no-new-access) tollgate diff "$TOLLGATE_BASE.." "$policy" --no-new-access --format github ;;
  *) fail "no step ${1:-}" ;;
esac
