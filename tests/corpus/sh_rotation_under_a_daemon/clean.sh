# Rotates the log of a service that has been stopped.
sh -c 'exec >service.log; echo started; : >ready; exec sleep 60' &
while [ ! -e ready ]; do sleep 0.02; done
kill $!
wait $! 2>/dev/null
mv service.log service.log.1
ls service.log*
