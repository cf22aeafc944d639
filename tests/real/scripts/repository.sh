# A git repository with four commits, a tag and a branch, in r.
git init -q -b main r
cd r
git config gc.auto 0
for commit in 1 2 3 4; do
    seq $((commit * 10)) 200 >a
    mkdir -p d$commit
    seq $commit $((commit * 50)) >d$commit/b
    git add .
    git commit -q -m "commit $commit"
done
git tag -a -m 'tag' v1 HEAD~1
git branch side HEAD~2
