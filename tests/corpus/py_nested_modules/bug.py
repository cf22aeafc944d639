"""Installs packages as their dependencies ask: each in a directory below the one that needs it."""

import os

CHAIN = ["aurelia-bundler", "systemjs-builder", "babel-plugin-transform-es2015-modules-systemjs",
         "babel-helper-hoist-variables", "babel-types", "babel-traverse", "babel-messages"]

where = "."
for package in CHAIN:
    where = os.path.join(where, "node_modules", package)
    os.makedirs(where)
print(len(CHAIN), "packages")
