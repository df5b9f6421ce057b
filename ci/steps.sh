# Runs named steps, times them, counts the tests in their output. Sourced by ci/test and ci/nightly.
#
# A step NAME is the shell function step_NAME. It runs in a subshell under a time limit, so that a hang is a failure.

export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
# Enough for a backtrace, and a good deal quicker to build.
export CARGO_PROFILE_DEV_DEBUG=line-tables-only CARGO_PROFILE_TEST_DEBUG=line-tables-only
TARGET=$(cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
mkdir -p "$TARGET/ci"

passed=0
failed=0
report=()
running=
# An interrupted run takes its step with it.
trap '[ -z "$running" ] || kill -TERM -- "-$running" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# Adds up "N passed" and "N failed" of cargo test and of nextest; prints "PASSED FAILED", nothing if there are none.
count_tests() {
    awk '
        /^test result: / { match($0, /[0-9]+ passed/); p += substr($0, RSTART); match($0, /[0-9]+ failed/); f += substr($0, RSTART); n++ }
        /^ *Summary \[/ {
            if (match($0, /[0-9]+ passed/)) p += substr($0, RSTART)
            if (match($0, /[0-9]+ failed/)) f += substr($0, RSTART)
            if (match($0, /[0-9]+ timed out/)) f += substr($0, RSTART)
            n++
        }
        END { if (n) print p + 0, f + 0 }
    ' "$1"
}

# run_step NAME LIMIT_SECONDS DESCRIPTION
run_step() {
    local name=$1 limit=$2 description=$3 log="$TARGET/ci/$1.log" began=$SECONDS status=0 tests p=1 f=0
    echo
    echo "=== $name: $description"
    # Job control gives the step a process group of its own, which the watchdog can end as a whole.
    set -m
    ( set +m; set -e; "step_$name" ) </dev/null > >(tee "$log") 2>&1 &
    local pid=$!
    running=$pid
    ( sleep "$limit"; echo "=== $name: no end after $limit s"; kill -TERM -- "-$pid" ) 2>/dev/null &
    local watchdog=$!
    set +m
    wait "$pid" || status=$?
    running=
    kill -TERM -- "-$watchdog" 2>/dev/null || true
    wait "$watchdog" 2>/dev/null || true
    sleep 0.2 # the copy of the output may be a moment behind
    tests=$(count_tests "$log")
    if [ -n "$tests" ]; then
        p=${tests% *} f=${tests#* }
        [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
    elif [ "$status" -ne 0 ]; then
        p=0 f=1
    fi
    passed=$((passed + p)) failed=$((failed + f))
    local line
    printf -v line '%-9s %4d s  %5d passed  %3d failed  %s' "$name" $((SECONDS - began)) "$p" "$f" "$description"
    report+=("$line")
    echo "=== $line"
}

# run_steps [NAME...] <<< "NAME LIMIT DESCRIPTION" lines: runs all of them, or those named, and prints the summary.
run_steps() {
    local name limit description known=" "
    while read -r name limit description <&3; do
        known+="$name "
        if [ $# -eq 0 ] || [[ " $* " == *" $name "* ]]; then
            run_step "$name" "$limit" "$description"
        fi
    done 3<&0
    for name in "$@"; do
        [[ "$known" == *" $name "* ]] || { echo "there is no step '$name'; there are:$known"; failed=$((failed + 1)); }
    done
    echo
    echo "What ran, in $SECONDS s:"
    printf '  %s\n' "${report[@]}"
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
