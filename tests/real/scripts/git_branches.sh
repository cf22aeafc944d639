# Branches, a merge, a conflict, a rebase, a cherry-pick, a bisection.
cd r
git checkout -q side
echo side >side
git add side
git commit -q -m side
git checkout -q main
git merge -q --no-edit side
git log --graph --format=%s
git checkout -q -b conflict HEAD~1
echo conflict >a
git commit -q -a -m conflict
git checkout -q main
echo main >a
git commit -q -a -m main
git merge conflict || echo "status $?"
cat a
git merge --abort
git rebase -q side conflict && git log --format=%s | head -n 3
git cherry-pick main || git cherry-pick --abort
git checkout -q main
git bisect start HEAD v1~2 | tail -n 1
git bisect run sh -c '[ ! -e d4 ]' | grep 'first bad'
git bisect reset 2>&1
git reflog | cat
