# Every kind of redirection.
exec 3>three 4<>four
echo to three >&3
echo to four >&4
exec 3>&- 4>&-
cat three four
echo x >&3 || echo "closed descriptor: $?"
echo more >>three
cat <three >copy
{ echo out; echo err >&2; } >both 2>&1
cat both
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/[/'
set -C
(echo clobber >three) || echo "noclobber: $?"
echo clobber >|three
set +C
cat three
exec 5<three
read -r line <&5
echo "$line"
cat <&5
(cat nothing) 2>errors || wc -l <errors
while read -r a b; do echo "$b $a"; done <<END
1 one
2 two
END
