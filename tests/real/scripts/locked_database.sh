# One process holds a write lock while another is refused, then succeeds.
sqlite3 db 'CREATE TABLE t(x);'
mkfifo commands
sqlite3 db <commands >holder &
exec 3>commands
echo "BEGIN EXCLUSIVE; INSERT INTO t VALUES (1); SELECT 'held';" >&3
until [ -s holder ]; do sleep 0.02; done
cat holder
sqlite3 db 'INSERT INTO t VALUES (2);' || echo "status $?"
sqlite3 db 'SELECT count(*) FROM t;' || echo "status $?"
echo 'COMMIT;' >&3
exec 3>&-
wait
sqlite3 db 'INSERT INTO t VALUES (3); SELECT sum(x) FROM t;'
rm commands
