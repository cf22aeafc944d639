# redis-server with I/O threads on a free port of the loopback interface.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port $port --bind 127.0.0.1 --io-threads 2 --save '' --appendonly no --loglevel warning --logfile log & server=$!
until redis-cli -p $port ping 2>/dev/null; do sleep 0.02; done
redis-benchmark -p $port -q -n 500 -c 10 -P 4 -t ping,set,get,mset --csv | cut -d, -f1
redis-cli -p $port subscribe channel >messages & subscriber=$!
until redis-cli -p $port pubsub numsub channel | grep -q 1; do sleep 0.02; done
redis-cli -p $port publish channel message
until grep -q '^message$' messages; do sleep 0.02; done
head -n 3 messages
kill $subscriber
rm messages
kill -TERM $server
wait $server; echo "status $?"
rm -f log
