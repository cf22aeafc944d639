# Rotates the log of a service that goes on writing to it.
sh -c 'exec >service.log; echo started; : >ready; exec sleep 60' &
while [ ! -e ready ]; do sleep 0.02; done
mv service.log service.log.1
kill $!
ls service.log*
