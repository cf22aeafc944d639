# A background save (fork), an append-only file, and both read back by a new server.
start() {
    redis-server --port 0 --unixsocket s --save '' --appendonly yes --loglevel warning --logfile log & server=$!
    until redis-cli -s s ping 2>/dev/null | grep -q PONG; do sleep 0.02; done
}
start
for i in 1 2 3; do redis-cli -s s set key$i value$i; done
redis-cli -s s bgrewriteaof
redis-cli -s s bgsave schedule >/dev/null
until redis-cli -s s info persistence | grep -q 'aof_rewrite_in_progress:0' &&
    redis-cli -s s info persistence | grep -q 'rdb_bgsave_in_progress:0'; do sleep 0.02; done
redis-cli -s s info persistence | grep -E 'last_bgsave_status|last_bgrewrite_status' | tr -d '\r'
redis-cli -s s shutdown; wait $server; echo "status $?"
start
redis-cli -s s mget key1 key2 key3
redis-cli -s s shutdown nosave; wait $server; echo "status $?"
rm -rf appendonlydir dump.rdb log
