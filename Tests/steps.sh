# What Tests/run and Tests/trust are made of: sourced by both, after which each names its steps and calls run_steps.
#
# A step that fails does not keep the others from running. The last line is "N passed, N failed".

python=build/venv/bin/python
pytest="$python -m pytest -q --no-header -p no:cacheprovider"
# What Python and its tools leave behind goes where all that is generated goes.
export PYTHONPYCACHEPREFIX=$PWD/build/pycache HYPOTHESIS_STORAGE_DIRECTORY=$PWD/build/hypothesis
names=()
titles=()
declare -A commands

# step NAME TITLE COMMAND: a COMMAND may be several, of which each must succeed.
step() {
    names+=("$1")
    titles+=("$2")
    commands[$1]=$3
}

# run_steps [STEP...]: all, or those that are named; --list says what they are. The status is 0 if none failed.
run_steps() {
    if [ "${1:-}" = --list ]; then
        for i in "${!names[@]}"; do printf '%-10s %s\n' "${names[i]}" "${titles[i]}"; done
        return
    fi
    for name in "$@"; do
        [ -n "${commands[$name]:-}" ] || { echo "${0##*/}: no step is called $name; they are: ${names[*]}" >&2; return 2; }
    done

    local passed=0 failed=() start=$SECONDS name i began result
    for i in "${!names[@]}"; do
        name=${names[i]}
        [ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
        printf '\n=== %s: %s\n' "$name" "${titles[i]}"
        began=$SECONDS
        if bash -euo pipefail -c "${commands[$name]}" < /dev/null; then
            passed=$((passed + 1))
            result=passed
        else
            failed+=("$name")
            result=FAILED
        fi
        printf -- '--- %s %s, %d s\n' "$name" "$result" $((SECONDS - began))
    done

    printf '\n%d s in all\n' $((SECONDS - start))
    [ ${#failed[@]} -eq 0 ] || printf 'failed: %s\n' "${failed[*]}"
    printf '%d passed, %d failed\n' "$passed" ${#failed[@]}
    [ ${#failed[@]} -eq 0 ] && [ "$passed" -gt 0 ]
}
