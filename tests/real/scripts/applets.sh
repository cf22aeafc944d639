# Many applets of busybox in one shell; each goes through fork and /proc/self/exe.
set -e
busybox | busybox head -n 1 | busybox cut -d' ' -f1
b=busybox
$b seq 20 >a
$b sort -rn a | $b head -n 2
$b awk '{s += $1} END {print s}' a
$b sed -n '3p' a
$b grep -c 1 a
$b cp a b; $b ln b c; $b ln -s b d; $b mkdir -p e/f; $b mv c e/f/
$b find e | $b sort
$b tar cf t.tar e; $b tar tf t.tar
$b gzip -c a | $b gunzip -c | $b cmp - a
$b sha256sum a
$b printf '%d\n' 42
$b od -c a | $b tail -n 2
$b wc a
$b diff a b && echo same
$b xargs -n 5 echo <a
$b tr 0-9 a-j <a | $b tail -n 1
$b stat -c '%n %s %a' a
$b touch -d '2001-02-03 04:05:06' a; $b date -r a '+%F %T'
$b expr 6 \* 7
$b env -i X=1 $b env
$b timeout 1 $b sleep 0.01; echo "status $?"
$b timeout 1 $b sleep 9 || echo "status $?"
$b dd if=a of=g bs=10 count=2 2>/dev/null; $b cat g | $b md5sum
$b rm -r e t.tar
$b ls
