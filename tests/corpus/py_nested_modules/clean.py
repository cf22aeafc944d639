"""Installs packages flat, as long as no two versions are wanted."""

import os

CHAIN = ["aurelia-bundler", "systemjs-builder", "babel-plugin-transform-es2015-modules-systemjs",
         "babel-helper-hoist-variables", "babel-types", "babel-traverse", "babel-messages"]

for package in CHAIN:
    os.makedirs(os.path.join("node_modules", package))
print(len(CHAIN), "packages")
