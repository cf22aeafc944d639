# Relations of processes, sessions and groups, without the numbers.
parent() { cut -d' ' -f4 "/proc/$1/stat"; }
group() { cut -d' ' -f5 "/proc/$1/stat"; }
session() { cut -d' ' -f6 "/proc/$1/stat"; }
sleep 60 & child=$!
echo "parent of the child: $(($(parent $child) == $$))"
echo "group shared: $(($(group $child) == $(group $$)))"
echo "session shared: $(($(session $child) == $(session $$)))"
kill $child; wait $child 2>/dev/null
setsid -w bash -c '[ $(cut -d" " -f6 /proc/$$/stat) = $$ ] && echo "leader of its session"'
setsid -w bash -c 'exit 5'; echo "status $?"
bash -c 'echo "same parent: $((PPID == '$$'))"'
mkfifo orphan
bash -c '(until [ $PPID != $(cut -d" " -f4 /proc/$BASHPID/stat) ]; do sleep 0.01; done; : no more parent) & echo $! >orphan' &
read -r child <orphan
wait $!
while [ -d /proc/$child ] && ! grep -q '^State:.Z' /proc/$child/status 2>/dev/null; do sleep 0.02; done
echo "the orphan ended"
rm orphan
