# Updates a program when it has ended.
cp "$(command -v sleep)" updater
cp updater updater.new
sh -c ': >ready; exec ./updater 60' &
while [ ! -e ready ]; do sleep 0.02; done
while [ "$(readlink "/proc/$!/exe")" != "$PWD/updater" ]; do sleep 0.02; done
kill $!
wait $! 2>/dev/null
mv -f updater.new updater
ls updater*
