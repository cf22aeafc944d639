# redis-server on a unix socket, redis-benchmark against it.
redis-server --port 0 --unixsocket s --save '' --appendonly no --loglevel warning --logfile log & server=$!
until redis-cli -s s ping 2>/dev/null; do sleep 0.02; done
redis-benchmark -s s -q -n 500 -c 10 -t set,get,lpush,incr --csv | cut -d, -f1
redis-cli -s s set key value
redis-cli -s s get key
redis-cli -s s eval 'return redis.call("incrby", KEYS[1], 41) + 1' 1 n
redis-cli -s s dbsize
redis-cli -s s shutdown nosave
wait $server; echo "status $?"
rm -f log
