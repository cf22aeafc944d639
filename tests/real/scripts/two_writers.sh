# Two sqlite3 processes write 40 transactions each to one database; $1 is the journal mode.
sqlite3 db "PRAGMA journal_mode=$1; CREATE TABLE t(writer INTEGER, x INTEGER);"
writer() {
    {
        echo '.timeout 20000'
        for x in $(seq 40); do echo "BEGIN IMMEDIATE; INSERT INTO t VALUES ($1, $x); COMMIT;"; done
    } | sqlite3 db
    echo "writer ended with $?" >writer$1
}
writer 1 & writer 2 &
wait
cat writer1 writer2
sqlite3 db 'PRAGMA integrity_check; SELECT writer, count(*), sum(x) FROM t GROUP BY writer ORDER BY writer;'
sqlite3 db 'SELECT x FROM t WHERE writer = 1 ORDER BY rowid' | sort -n -c && echo 'in order'
rm db
