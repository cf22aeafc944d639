# Swaps a release for a new one while a service still works in the old one's directory.
mkdir current next
sh -c 'cd current && : >../ready && exec sleep 60' &
while [ ! -e ready ]; do sleep 0.02; done
mv current previous && mv next current
kill $!
ls -d current previous
