# Job control in a script: groups of their own, stop, continue, fg, kill of a job.
set -m
stopped() { until jobs -s | grep -q Stopped; do sleep 0.01; done; }
sleep 60 & child=$!
[ "$(cut -d' ' -f5 /proc/$child/stat)" = $child ] && echo "leader of its own group"
kill -STOP %1; stopped
jobs
bg %1 >/dev/null
jobs
kill %1; wait %1; echo "status $?"
sleep 60 | cat & pipeline=$!
jobs
kill -TERM -"$(jobs -p)"; wait $pipeline; echo "pipeline $?"
(sleep 0.05; exit 3) &
fg; echo "foreground $?"
sleep 60 & sleep 60 & other=$!
jobs
disown %2
kill %1 $other
wait; echo "end $?"
bash -c 'kill -TSTP $$; echo continued; exit 4' & child=$!
stopped
jobs
kill -CONT %1
wait $child; echo "status $?"
