# Edits files in place by perl, which closes the original before it replaces it where that is needed.
set -e
printf 'one\ntwo\n' >page
perl -pi -e 's/one/1/' page
perl -pi.bak -e 's/two/2/' page
cat page page.bak
rm page page.bak
