# A small tree of text with links, modes and fixed times, made in the current directory.
mkdir -p text/deep/down
printf 'line one\n' >text/one
printf 'line one\nline two\n' >text/two
seq -f 'line %g' 300 >text/three
: >text/empty
printf 'no newline' >text/deep/last
cp text/two text/deep/down/copy
ln -s one text/link
ln -s gone text/dangling
chmod 600 text/two
chmod 755 text/three
chmod 700 text/deep/down
find text -exec touch -h -d '2001-02-03 04:05:06' {} +
