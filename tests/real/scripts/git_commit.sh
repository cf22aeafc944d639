# From an empty repository to three commits.
set -e
git init -q -b main .
git config gc.auto 0
git config core.fileMode true
git add text/one text/deep
git status --short | grep -v '^??'
git commit -m first
git add text
git mv text/one text/renamed
git rm -q text/deep/last
git commit -m second
chmod +x text/renamed
echo more >>text/two
git commit -a -m third
git log --stat --format='%H %s'
git show --summary HEAD
git ls-files -s
git fsck --strict
