# A git repository with two commits of 2,000 files, and three changes since, in r.
git init -q -b main r
cd r
git config gc.auto 0
for d in $(seq 20); do
    mkdir d$d
    for f in $(seq 100); do echo "$d $f" >d$d/f$f; done
done
git add .
git commit -q -m first
git tag first
for d in $(seq 20); do echo more >>d$d/f1; done
git commit -q -a -m second
echo changed >d1/f2
rm d2/f3
echo new >d3/new
