# To be sourced.

# Waits half a minute until an address answers, as long as its server runs. Arguments: address, process.
ready() {
    for _ in $(seq 1500); do
        kill -0 "$2" 2>/dev/null || break
        ! curl -sf -o /dev/null "$1" || return 0
        sleep 0.02
    done
    echo "$1 does not answer" >&2
    return 1
}
