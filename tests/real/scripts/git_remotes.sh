# A bare repository, push, fetch and pull over the local transport.
git init -q --bare -b main hub
cd r
git remote add hub ../hub
git -c pack.threads=1 push -q hub main side v1
git ls-remote hub
cd ..
git -c pack.threads=1 clone -q file://$PWD/hub copy
cd copy
echo more >more
git add more
git commit -q -m more
git push -q origin main
git push origin main~2:main || echo "status $?"
cd ../r
git fetch -q hub
git merge -q --ff-only hub/main
git log --oneline -2
git archive HEAD | tar tf - | tail -n 2
git bundle create -q ../bundle main
git bundle verify -q ../bundle
