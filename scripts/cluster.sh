# To be sourced. Starts a throwaway PostgreSQL cluster with durable commits, in $folder, on a socket, and stops it at the end.
# Nobody analyzes its tables, so that the results also hold on a fresh database, unless AUTOVACUUM is on.
. scripts/ready.sh
initdb=$(command -v initdb || compgen -G "/usr/lib/postgresql/*/bin/initdb" | sort -V | tail -n 1 || true)
[ -n "$initdb" ] || { echo "install PostgreSQL (Debian: apt-get install postgresql)" >&2; exit 1; }
bin=$(dirname "$initdb")
folder=$(mktemp -d)
account=()
if [ "$(id -u)" = 0 ]; then
    chown postgres: "$folder"
    account=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
stop_cluster() {
    (cd / && "${account[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1) || true
    rm -rf "$folder"
}
trap stop_cluster EXIT
(cd / && "${account[@]}" "$bin/initdb" -D "$folder/data" -U rally --auth=trust --encoding=UTF8 --locale=C >/dev/null)
(cd / && "${account[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-c listen_addresses= -c max_connections=400 -c autovacuum=${AUTOVACUUM:-off} -c unix_socket_directories=$folder" start >/dev/null)
export DATABASE_URL="postgres://rally@${folder//\//%2F}/postgres"
sql() { psql -h "$folder" -U rally -d postgres -v ON_ERROR_STOP=1 -q -X -P pager=off "$@"; }
