# Fills a cache of modules with files that nobody may change, and clears it once they may be changed.
mkdir -p cache/module
echo "package module" >cache/module/module.go
chmod 444 cache/module/module.go
chmod -R u+w cache
rm -rf cache
ls | grep -c cache || true
