# Pipelines of several stages, large data, early exit, nesting and statuses.
seq 1 20000 | sort -rn | head -n 3
seq 1 5 | while read -r x; do echo "got $x"; done
(echo a; (echo b; { echo c; }) | cat) | tr a-z A-Z
head -c 1000000 /dev/zero | tr '\0' x | wc -c
seq 100000 | head -n 1
false | true; echo "status $?"
true | false; echo "status $?"
! true; echo "status $?"
x=$(echo nested $(echo deeper $(echo deepest))); echo "$x"
echo one | { cat; echo two >&2; } 2>&1 | sort
{ sleep 0.05; echo late; } | { read -r line; echo "$line"; }
i=0; while [ $i -lt 20 ]; do echo $i | cat | cat >/dev/null; i=$((i + 1)); done; echo "$i rounds"
seq 3 | (exec cat) && echo end
echo lost | (exit 3); echo "status $?"
