# Swaps a release for a new one when the service has been stopped.
mkdir current next
sh -c 'cd current && : >../ready && exec sleep 60' &
while [ ! -e ready ]; do sleep 0.02; done
kill $!
wait $! 2>/dev/null
mv current previous && mv next current
ls -d current previous
