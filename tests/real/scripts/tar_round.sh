# Create, list, compare, extract, append, delete and pipe an archive.
set -e
tar --sort=name --owner=0 --group=0 --numeric-owner -cf a.tar text
tar tvf a.tar
tar df a.tar
mkdir out
tar xpf a.tar -C out
diff -r --no-dereference text out/text
stat -c '%n %a %Y' out/text/*
echo more >extra
tar --mtime=@0 --owner=0 --group=0 -rf a.tar extra
tar --delete -f a.tar text/one
tar tf a.tar | tail -n 3
tar cf - text | (cd out && tar xf - --transform='s/^text/again/')
ls out
truncate -s 700 a.tar
tar tf a.tar || echo "status $?"
