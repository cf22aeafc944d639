# Updates a program in place while it runs.
cp "$(command -v sleep)" updater
cp updater updater.new
sh -c ': >ready; exec ./updater 60' &
while [ ! -e ready ]; do sleep 0.02; done
while [ "$(readlink "/proc/$!/exe")" != "$PWD/updater" ]; do sleep 0.02; done
mv -f updater.new updater
kill $!
ls updater*
