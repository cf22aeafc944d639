# A path longer than PATH_MAX, reached step by step and removed again.
set -e
name=$(printf '%0200d' 0)
top=$PWD
for i in $(seq 25); do
    mkdir "$name"
    cd -P "$name"
done
echo deep >file
cat file
/bin/pwd | wc -c
cd "$top"
find "$name" -type d | wc -l
find "$name" -name file -printf '%f %d\n'
cat "$(printf "$name/%.0s" $(seq 25))file" || echo status $?
rm -r "$name"
ls
