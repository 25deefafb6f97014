# Keeps one throw-away Postgres: $1 is the folder of its programs, $2 the scratch folder. Reads orders from standard input,
# answers each with one line. When the input ends, because the test process ended, in whatever way, it stops the server and
# removes the scratch folder.
#
# The server gets a session of its own, so that Ctrl-C in a terminal reaches it only through here.
trap '' INT HUP TERM
bin=$1
scratch=$2
server=

stop() {
    test -n "$server" || return 0
    kill -s "$1" "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}

while read -r order argument; do
    case $order in
    init)
        if "$bin/initdb" -D "$scratch/data" -U postgres -A trust --pwfile "$scratch/password" -E UTF8 --locale=C -N \
            $argument >"$scratch/initdb.log" 2>&1; then echo ok; else echo failed; fi ;;
    start)
        setsid "$bin/postgres" -D "$scratch/data" -p "$argument" </dev/null >>"$scratch/server.log" 2>&1 &
        server=$!
        echo "$server" ;;
    alive)
        if test -n "$server" && kill -0 "$server" 2>/dev/null; then echo yes; else echo no; fi ;;
    fast) stop INT; echo ok ;;
    immediate) stop QUIT; echo ok ;;
    kill)
        # The postmaster first, frozen, so that it starts nobody while its children are counted.
        kill -s STOP "$server"
        kill -s KILL "$server" $(cat "/proc/$server/task/$server/children" 2>/dev/null)
        wait "$server" 2>/dev/null
        server=
        echo ok ;;
    esac
done
stop QUIT
rm -rf "$scratch"
